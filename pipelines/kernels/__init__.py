"""What several rooms compile: UTF-8, the normal form of text, tokens, 64-bit hashing, bit tables.

Belongs here: compiled functions that two rooms or more call, and how functions are compiled.
Does not belong here: what one room alone computes (shingles in dedup/, rules in signals/), tables,
parameters of a stage.
"""
