"""The catalogue: every table of the lake, and the stage that makes it.

Belongs here: one entry for each table, and how the inputs of its stage are found in the lake. Does not
belong here: how a stage works. No other room of pipelines imports from here; assets, jobs and reports
do.
"""
