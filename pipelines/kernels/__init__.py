"""What several rooms do with bytes: UTF-8, charsets, the normal form of text, tokens, 64-bit hashing, bit
tables.

Belongs here: functions of bytes that two rooms or more call, most of them compiled, and how they are
compiled.
Does not belong here: what one room alone computes (shingles in dedup/, rules in signals/), tables,
parameters of a stage.
"""
