"""The error of a job, for callers that do not import Dagster.

Belongs here: the exception alone. Does not belong here: when it is raised (runner.py), how it looks
(cli.py, demo/).
"""


class JobFailed(Exception):
    """A job failed; the message is the first asset's error."""
