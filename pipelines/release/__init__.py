"""Which documents a release keeps, and what is cut out of them.

Belongs here: survivors of an election, recurring blocks, validation sets, cuts, exclusions, the decision
on each document. Does not belong here: finding duplicates (dedup/) and contamination (contamination/),
writing the corpora (corpora/).
"""
