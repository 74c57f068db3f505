"""From records to documents: character set, main text, metadata of a page, group and side.

Belongs here: the tables `split` and `documents`, which records are left out. html/ parses, blocks/
chooses, markdown/ writes. Does not belong here: reading files (dumps/), changing a text afterwards (edits/).
"""
