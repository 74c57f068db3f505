"""Experiments: questions that are asked once, of what the rest of the repository builds.

Belongs here: one folder for each, with its config, `run.py` and `report.md` (README.md). Does not
belong here: anything that the pipelines, the model or the jobs import.
"""
