"""Chosen blocks to light Markdown: what documents of all dumps of web pages are written in.

Belongs here: lines, formulas as TeX, code in fences, rows of data tables, lists; docs/markdown.md
describes the form. Does not belong here: which blocks are main text (extraction/blocks/), reading
markup into blocks (extraction/html/).
"""
