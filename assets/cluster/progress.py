"""What a job says, as Dagster shows it: log lines, observations, the table and plot of losses.

Belongs here: turning messages into events, each step once. Does not belong here: reading messages
(mailbox.py).
"""

from __future__ import annotations

import base64
import json
import math
from pathlib import Path
from typing import Any

import dagster as dg
from dagster import AssetRecordsFilter

from reports.figures import curves_svg
from reports.gather import read_lines

REMEMBERED = 1000
"""Latest observations of an asset that a replay is compared with."""


class Progress:
    """Turns the job's custom messages into log lines and observations.

    Every n-th step is observed. Whoever adopts a job, or retries one from its last checkpoint,
    reads steps again: an observation of a step that has been made with the same loss is not made
    twice, whichever run made it.
    """

    def __init__(self, context: Any, stage: str, job: str, every: int) -> None:
        self.context, self.stage, self.job, self.every = context, stage, job, every
        self.partition = context.partition_key if context.has_partition_key else None
        self.seen = self._observed()
        self.validation: list[dict[str, Any]] = []
        self.preflight: dict[str, Any] = {}
        self.uploads: dict[int, str] = {}  # last state by step
        self.stopped_at: int | None = None
        self.first = True

    def _observed(self) -> dict[tuple[str, int], float]:
        """Loss by (kind, step) of the observations there are."""
        wanted = AssetRecordsFilter(
            self.context.asset_key, asset_partitions=[self.partition] if self.partition else None
        )
        out = {}
        for record in self.context.instance.fetch_observations(wanted, limit=REMEMBERED).records:
            values = (
                {k: v.value for k, v in record.asset_observation.metadata.items()}
                if record.asset_observation
                else {}
            )
            if "step" in values:
                out[str(values.get("event", "step")), int(values["step"])] = float(
                    values.get("loss", math.nan)
                )
        return out

    def message(self, payload: Any) -> None:
        """One custom message."""
        if not isinstance(payload, dict):
            return
        event = payload.get("event")
        if event == "step":
            self._step(payload)
        elif event == "validation":
            self.validation.append(payload)
            self._observe("validation " + str(payload["domain"]), payload)
        elif event == "preflight":
            self._preflight(payload)
        elif event == "upload":
            self._upload(payload)
        else:
            if event == "stopped":
                self.stopped_at = int(payload["step"])
            self.context.log.info(f"{self.stage}: {json.dumps(payload, ensure_ascii=False)[:500]}")

    def _step(self, payload: dict[str, Any]) -> None:
        if not self.first and int(payload["step"]) % self.every:
            return
        self.first = False
        if self._observe("step", payload):
            loss = payload.get("loss")
            self.context.log.info(
                f"{self.stage} step {payload['step']}: loss {math.nan if loss is None else loss:.4f}"
            )

    def _observe(self, event: str, payload: dict[str, Any]) -> bool:
        """Make an observation of the payload's numbers, unless that step has been observed with
        that loss."""
        loss = payload.get("loss")
        key, value = (event, int(payload["step"])), math.nan if loss is None else float(loss)
        if key in self.seen and (
            self.seen[key] == value or (math.isnan(value) and math.isnan(self.seen[key]))
        ):
            return False
        self.seen[key] = value
        numbers: dict[str, Any] = {
            k: v for k, v in payload.items() if isinstance(v, int | float) and not isinstance(v, bool)
        }
        if event.startswith("validation"):
            domain = payload["domain"]
            numbers = {
                "step": payload["step"],
                f"validation_loss/{domain}": value,
                f"bits_per_byte/{domain}": payload.get("bits_per_byte"),
            }
            numbers = {
                k: v for k, v in numbers.items() if isinstance(v, int | float) and math.isfinite(v)
            } | {"loss": value}
        words = {k: payload[k] for k in ("error", "to") if k in payload}
        metadata = numbers | words | {"event": event, "job": self.job}
        self.context.log_event(
            dg.AssetObservation(self.context.asset_key, partition=self.partition, metadata=metadata)
        )
        return True

    def _upload(self, payload: dict[str, Any]) -> None:
        """The state of a checkpoint's upload to the store (model/checkpoints/uploads.py)."""
        step, state = payload["step"], payload["state"]
        self.uploads[int(step)] = state
        if "error" in payload:
            again = (
                f", again in {payload['again_seconds']:.0f} s" if "again_seconds" in payload else ", given up"
            )
            self.context.log.warning(
                f"{self.stage}: upload of step {step} to {payload['to']} failed{again}: {payload['error']}"
            )
        else:
            self.context.log.info(f"{self.stage}: upload of step {step}: {json.dumps(payload)}")
        self._observe(f"upload {state}", payload)

    def _preflight(self, payload: dict[str, Any]) -> None:
        self.preflight = payload
        ranks = payload.get("ranks", [])
        hosts = sorted({r["host"] for r in ranks})
        bandwidth = ranks[0]["all_reduce_bytes_per_second"] / 1e9 if ranks else 0.0
        self.context.log.info(
            f"preflight: {len(ranks)} ranks on {len(hosts)} hosts, all-reduce {bandwidth:.2f} GB/s\n"
            f"{preflight_table(payload)}"
        )
        for warning in payload.get("warnings", []):
            self.context.log.warning(f"preflight: {warning}")

    def metadata(self, run_dir: Path) -> dict[str, Any]:
        """Table and plot of losses and the preflight's table, for the materialization."""
        out: dict[str, Any] = {}
        if self.preflight:
            out["preflight"] = dg.MetadataValue.md(preflight_table(self.preflight))
        if self.uploads:
            out["checkpoint_uploads"] = dg.MetadataValue.json(
                {str(step): state for step, state in sorted(self.uploads.items())}
            )
        logs = {n: run_dir / "logs" / f"{n}.jsonl" for n in ("steps", "validation")}
        steps, validation = (read_lines(p) if p.exists() else [] for p in logs.values())
        records = validation or self.validation
        if records:
            out["loss_by_domain"] = dg.MetadataValue.md(loss_table(records))
            svg = loss_plot(steps, records)
            out["loss_plot"] = dg.MetadataValue.md(
                f"![loss](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})"
            )
            if run_dir.exists():
                path = run_dir / "logs" / f"{self.stage}-loss.svg"
                path.parent.mkdir(exist_ok=True)
                path.write_text(svg)
                out["loss_plot_file"] = dg.MetadataValue.path(str(path))
        return out


def loss_table(records: list[dict[str, Any]]) -> str:
    """Markdown: first, best and last validation loss (nats per token) and last bits per byte of
    every domain."""
    lines = ["| domain | first | best | last | bits per byte | step |", "|---|---|---|---|---|---|"]
    for domain in sorted({r["domain"] for r in records}):
        mine = sorted((r for r in records if r["domain"] == domain), key=lambda r: r["step"])
        losses = [r["loss"] for r in mine]
        figures = [losses[0], min(losses), losses[-1], mine[-1].get("bits_per_byte", math.nan)]
        cells = [domain, *(f"{f:.4f}" for f in figures), str(mine[-1]["step"])]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def loss_plot(steps: list[dict[str, Any]], validation: list[dict[str, Any]]) -> str:
    """SVG: training loss, and the validation loss of every domain, over steps; at most 500 points a
    curve."""
    curves: dict[str, list[tuple[float, float]]] = {}
    for r in steps[:: max(1, len(steps) // 500)]:
        if r.get("loss") is not None:
            curves.setdefault("training", []).append((r["step"], r["loss"]))
    for r in sorted(validation, key=lambda r: (r["domain"], r["step"])):
        curves.setdefault(r["domain"], []).append((r["step"], r["loss"]))
    return curves_svg(curves, "step", "loss (nats per token)")


def preflight_table(payload: dict[str, Any]) -> str:
    """Markdown: what every rank measured before step 1; of more than 64 ranks, the slowest."""
    lines = ["| rank | host | GFLOP/s | all-reduce GB/s | free GB | clock ms |", "|---|---|---|---|---|---|"]
    ranks = sorted(payload.get("ranks", []), key=lambda r: r["flops_per_second"])[:64]
    for r in sorted(ranks, key=lambda r: r["rank"]):
        figures = [
            r["flops_per_second"] / 1e9,
            r["all_reduce_bytes_per_second"] / 1e9,
            r["free_bytes"] / 1e9,
            r["clock_seconds"] * 1e3,
        ]
        lines.append(f"| {r['rank']} | {r['host']} | " + " | ".join(f"{f:.2f}" for f in figures) + " |")
    return "\n".join([*lines, *(f"\n**{w}**" for w in payload.get("warnings", []))])
