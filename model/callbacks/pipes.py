"""Messages to Dagster, if Dagster started this process; silent otherwise. The one place that opens dagster_pipes."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any


class Reporter:
    """Progress and results for whoever started the run."""

    def __init__(self, context: Any = None) -> None:
        self.context = context

    def event(self, event: str, **values: Any) -> None:
        """A custom message `{"event": event, ...}`."""
        if self.context is not None:
            self.context.report_custom_message({"event": event, **values})

    def materialized(self, metadata: dict[str, Any], data_version: str) -> None:
        """The result, once, at the end."""
        if self.context is not None:
            present = {k: v for k, v in metadata.items() if v is not None}
            values = {k: {"type": "json", "raw_value": v} if isinstance(v, dict | list) else v for k, v in present.items()}
            self.context.report_asset_materialization(metadata=values, data_version=data_version)

    def step(self, record: dict[str, Any]) -> None:
        """The step's main numbers."""
        names = ("step", "phase", "tokens", "loss", "learning_rate", "gradient_norm", "tokens_per_second", "loss_by_source")
        self.event("step", **{k: record[k] for k in names})

    def validation(self, records: list[dict[str, Any]]) -> None:
        """Every domain's loss."""
        for record in records:
            self.event("validation", **record)

    def close(self) -> None:
        """The session is closed by `reporter`."""


@contextlib.contextmanager
def reporter(rank: int) -> Iterator[Reporter]:
    """A Reporter: connected on rank 0 when the command line carries Dagster's arguments."""
    if rank == 0 and any(a.startswith("--dagster-pipes-context") for a in sys.argv):
        from dagster_pipes import PipesCliArgsParamsLoader, open_dagster_pipes

        with open_dagster_pipes(params_loader=PipesCliArgsParamsLoader()) as context:
            yield Reporter(context)
    else:
        yield Reporter()
