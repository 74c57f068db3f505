"""Numbers about a document's text, and nothing decided from them.

Belongs here: language, rules (Gopher, FineWeb, C4, the Chinese set), safety words, source files.
Does not belong here: thresholds and decisions (filtering/), models trained by us (quality/).
"""
