"""Which blocks of a page are main text.

Belongs here: numbers about a block, the forest that judges them, its training. Does not belong
here: parsing (html/), what becomes of the chosen blocks (extraction/page.py).
"""
