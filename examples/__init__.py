"""Short programs to copy from, each run by a test.

Belongs here: one way through the library, top to bottom, without Dagster. Does not belong here:
anything that other code imports.
"""
