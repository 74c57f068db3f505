"""One line in the terminal for each finished asset.

Belongs here: what a person sees while a job runs in this process. Does not belong here: anything stored.
"""

import time
from dataclasses import dataclass, field

import dagster as dg
from rich.console import Console

console = Console(highlight=False)


@dataclass
class Stages:
    """Seconds and freshness of every finished asset of this process."""

    rows: list[dict[str, object]] = field(default_factory=list)
    last: float = field(default_factory=time.monotonic)

    def add(self, name: str, partition: str, figures: dict[str, object]) -> None:
        now = time.monotonic()
        self.rows.append({"asset": name, "partition": partition, "seconds": round(now - self.last, 2), **figures})
        self.last = now


STAGES = Stages()


@dg.success_hook
def report_stage(context: dg.HookContext) -> None:
    """Print the asset's name, seconds and main figures when its step has succeeded."""
    name = str(context.op.name)
    event = context.instance.get_latest_materialization_event(dg.AssetKey(name))
    if event is None or event.asset_materialization is None:
        return
    materialization = event.asset_materialization
    values = {k: getattr(v, "value", v) for k, v in materialization.metadata.items()}
    rows = values.get("dagster/partition_row_count", values.get("dagster/row_count"))
    recomputed = bool(values.get("recomputed", True))
    STAGES.add(name, materialization.partition or "", {"recomputed": recomputed, "rows": rows})
    state = f"{STAGES.rows[-1]['seconds']:>7.1f} s" if recomputed else "unchanged"
    figures = f"{rows:,} rows" if isinstance(rows, int) else ""
    console.print(f"  {name:<22}{materialization.partition or '':<18}{state:>10}  {figures}")
