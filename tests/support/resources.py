"""Resources of assets without a JVM."""

from __future__ import annotations

from assets.resources import SparkResource
from pipelines.engine import InProcess


class HereInstead(SparkResource):
    """Parts in this process."""

    @property
    def engine(self) -> InProcess:  # type: ignore[override]
        return InProcess()
