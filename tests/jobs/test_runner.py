"""Errors of a job are told as sentences."""

from __future__ import annotations

from dagster_shared.error import SerializableErrorInfo

from jobs.runner import sentence


def test_an_error_is_told_as_the_sentence_of_its_first_cause() -> None:
    def error(message: str, cause: SerializableErrorInfo | None = None) -> SerializableErrorInfo:
        return SerializableErrorInfo(f"{message}\n", [], None, cause)

    ours = error("pipelines.dumps.fetch.FetchError: dump d: a.py: x names no file; mend `uris`")
    assert (
        sentence(error("dagster.StepError: step failed", ours))
        == "dump d: a.py: x names no file; mend `uris`"
    )
    assert sentence(error("KeyError: 'x'")) == "KeyError: 'x'"
    assert sentence(None) == "no error was recorded"
