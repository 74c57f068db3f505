"""Columns of the arrays that a parsed page is made of.

Belongs here: names of columns and flags, nothing else. Compiled code holds them as constants.
"""

from __future__ import annotations

# elements (int64): the parent's row, kind (tags.py), hash of tag and class names from the body
# down, depth, groups of its names (names.py), the byte where its start tag lies
E_PARENT, E_KIND, E_PATH, E_DEPTH, E_OWN, E_START = range(6)
NUM_ELEMENT_COLUMNS = 6

# blocks (int64): nearest block-level element, first segment and the one after the last; then counts
# of what the block holds: visible characters, those in links, stops, those that end a sentence, Han
# characters, digits, capitals, words (Han apart), links; whether a closing sign stands last; a hash
# of the visible characters; words of the title, words and Han characters; whether line breaks begin
# it
B_ELEMENT, B_FIRST, B_LAST, B_CHARS, B_LINKED, B_STOPS, B_ENDS, B_HAN = range(8)
B_DIGITS, B_UPPER, B_WORDS, B_LINKS, B_CLOSED, B_HASH, B_TITLE, B_TOKENS, B_SPLIT = range(8, 17)
NUM_BLOCK_COLUMNS = 17
# the open block has two more: the hash of the word that is being read (FNV: none), and whether the
# last text stood in a link
B_WORD, B_IN_LINK = 17, 18
NUM_OPEN_COLUMNS = 19

# segments (int64): start and end in bytes, flags. S_FORMULA: the markup of a whole element that
# shows a formula. S_PLAIN: text without entities. The others tell what the text stands in
S_LINK, S_BREAK, S_PRE, S_SUP, S_SUB, S_FORMULA, S_PLAIN, S_CODE = (1 << bit for bit in range(8))
# flags of open elements alone: what they hold is no text; it is SVG or MathML
SKIPPED, FOREIGN = 256, 512

# counts (int64): elements, blocks, segments, tags too deep, beyond the bounds too; where the html
# tag lies (-1: nowhere); meta tags; bytes in noscript elements that were left out
C_ELEMENTS, C_BLOCKS, C_SEGMENTS, C_DEPTH, C_HTML, C_METAS, C_NOSCRIPT = range(7)
NUM_COUNTS = 7
