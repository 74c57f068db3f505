"""Running jobs on the DeepSpeed cluster from Dagster, through Pipes.

Belongs here: starting, finding again, watching, stopping and judging a job that runs outside of
Dagster's processes. Does not belong here: what a job computes (model/), which assets ask for one
(assets/run.py and the evaluation's assets).
"""
