"""The parser: UTF-8 markup to elements, blocks of text and segments, in one compiled pass.

Belongs here: reading tags and text as the HTML standard says, counts of each block. Does not belong
here: which blocks are main text (extraction/blocks/), character sets, titles and dates.
"""
