"""Duplicates among the documents of a release: exact, near, verified.

Belongs here: shingles and MinHash signatures, bands, components, the verified election, starting from an
earlier release's clusters. Does not belong here: which documents pass their own rules (filtering/), who
leaves a release for other reasons (release/).
"""
