"""The commands of `python -m jobs.cli`, one module for each thing a person works with.

Belongs here: arguments, help texts and the few lines that print an answer. Does not belong here:
what a command does beyond that; imports at the top of a module that take long (Spark, torch,
Dagster): a command imports what it needs when it runs.
"""
