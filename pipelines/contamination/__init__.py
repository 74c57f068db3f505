"""Benchmark and validation items in training text.

Belongs here: reading item files, the index of items, matching, the table of matches. Does not belong here:
what is done with a document that holds one (release/), scoring models on benchmarks (model/evaluate/).
"""
