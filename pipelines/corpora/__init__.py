"""The corpora that a release publishes, and what is told about them.

Belongs here: assembly of SkyPile-Main and SkyPile-STEM, what was rejected, data cards, the export as JSON
lines; pairs of pages that are translations of each other. Does not belong here: which documents are in a
corpus (release/), token shards (shards/).
"""
