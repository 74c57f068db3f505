"""Signatures and duplicates on Spark local[2] at two sizes: wall, CPU, memory and shuffle per
document.

Run: python -m benchmarks.spark_scale [--quick] [--data ../shared/data/corpus] [--folder DIR]
Documents are pieces of real text with 60 % of their words or Han characters replaced by others of
the corpus, and 32 % near copies of earlier ones. Writing them is not timed; nor is the start of the
session with a first run on 2,000 documents, which is printed beside. CPU and memory are of the
whole process tree (driver, JVM, Python workers; shared pages counted once). Shuffle bytes are what
Spark's event log says that tasks wrote.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.signatures import CHINESE, DATA, ENGLISH, hardware, read_texts
from pipelines.tables.stage import build

PART = 25_000  # documents
TICK = os.sysconf("SC_CLK_TCK")


def _tree() -> list[int]:
    """This process and everything below it."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(path.parent.name))
    found, waiting = [], [os.getpid()]
    while waiting:
        found.append(waiting.pop())
        waiting += parents.get(found[-1], [])
    return found


def cpu_seconds() -> float:
    """User and system time of the tree, ended children included."""
    total = 0
    for pid in _tree():
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(int(v) for v in fields[11:15])
    return total / TICK


class PeakMemory(threading.Thread):
    """The largest proportional set size of the tree, sampled."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak_mb, self._done = 0.0, threading.Event()

    def run(self) -> None:
        while not self._done.wait(1.0):
            total = 0
            for pid in _tree():
                try:
                    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
                except OSError:
                    continue
                total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
            self.peak_mb = max(self.peak_mb, total / 1024)

    def stop(self) -> float:
        self._done.set()
        self.join()
        return self.peak_mb


class Generator:
    """Document k of the corpus, a pure function of k."""

    def __init__(self, data: Path) -> None:
        texts = read_texts(data, ENGLISH, False, 20_000, 2000), read_texts(data, CHINESE, True, 5_000, 750)
        self.pieces = [np.array(t.split(" "), object) for t in texts[0]] + [
            np.array(list(t), object) for t in texts[1]
        ]
        self.num_spaced = len(texts[0])
        self.pools = [
            np.concatenate(self.pieces[: self.num_spaced]),
            np.concatenate(self.pieces[self.num_spaced :]),
        ]
        random.Random(0).shuffle(order := list(range(len(self.pieces))))
        self.order = order

    def _changed(self, parts: Any, spaced: bool, share: float, gen: Any) -> Any:
        pool = self.pools[0 if spaced else 1]
        places = np.flatnonzero(gen.random(len(parts)) < share)
        changed = parts.copy()
        changed[places] = pool[gen.integers(0, len(pool), len(places))]
        return changed

    def _original(self, k: int) -> tuple[Any, bool]:
        which = self.order[k % len(self.order)]
        spaced = which < self.num_spaced
        return self._changed(self.pieces[which], spaced, 0.6, np.random.default_rng((1, k))), spaced

    def document(self, k: int) -> str:
        gen = np.random.default_rng((2, k))
        if k and gen.random() < 0.32:
            parts, spaced = self._original(int(gen.integers(0, k)))
            parts = self._changed(parts, spaced, 0.2 * gen.random() ** 2, gen)
            if gen.random() < 0.25:
                parts = parts[: int(len(parts) * gen.uniform(0.5, 1))]
        else:
            parts, spaced = self._original(k)
        return (" " if spaced else "").join(parts.tolist())


def write_dump(lake: Any, engine: Any, generator: Generator, name: str, first: int, count: int) -> Any:
    """Tables of a dump of documents [first, first + count), all kept by their rules."""
    from pipelines.cards.dump import DumpCard
    from pipelines.tables.inputs import DumpTables
    from pipelines.tables.schemas import DECISIONS, DOCUMENTS, EDITS, document_id

    places = [(i, min(PART, count - i)) for i in range(0, count, PART)]

    def table(schema: pa.Schema, size: int, **columns: Any) -> pa.Table:
        plain = {pa.string(): "", pa.bool_(): True, pa.int64(): 0, pa.int32(): 0}
        return pa.Table.from_arrays(
            [
                pa.array(columns[f.name], f.type)
                if f.name in columns
                else pa.array([plain.get(f.type, [])] * size, f.type)
                for f in schema
            ],
            schema=schema,
        )

    def build(asset: str, make: Any) -> Any:
        def write(writer: Any) -> None:
            engine.map_parts(
                len(places), lambda i: writer.write_table(f"part-{i:05d}.parquet", make(*places[i]))
            )

        return lake.publish(
            asset, name, version=1, parameters={"first": first, "count": count, "part": PART}, write=write
        ).dataset

    def ids(start: int, size: int) -> list[bytes]:
        return [document_id("scale", "f", first + start + k) for k in range(size)]

    def documents(start: int, size: int) -> pa.Table:
        rows = range(first + start, first + start + size)
        texts, urls = (
            [generator.document(k) for k in rows],
            [f"https://h{k % 9973}.example/{k}" for k in rows],
        )
        return table(
            DOCUMENTS,
            size,
            doc_id=ids(start, size),
            url=urls,
            text=texts,
            side=["train"] * size,
            category=["webpages"] * size,
        )

    def decisions(start: int, size: int) -> pa.Table:
        return table(
            DECISIONS, size, doc_id=ids(start, size), category=["webpages"] * size, corpus=["main"] * size
        )

    made = [
        build("documents", documents),
        build("edits", lambda start, size: table(EDITS, size, doc_id=ids(start, size))),
        build("decisions", decisions),
    ]
    return DumpTables(DumpCard(name=name, kind="jsonl", uris=("x",)), made[0], made[1], decisions=made[2])


def shuffle_bytes(folder: Path) -> int:
    """Bytes that tasks wrote for shuffles, from Spark's event log."""
    total = 0
    for path in folder.rglob("*"):
        if path.is_file():
            for line in path.read_text().splitlines():
                if '"SparkListenerTaskEnd"' in line:
                    metrics = json.loads(line).get("Task Metrics") or {}
                    total += metrics.get("Shuffle Write Metrics", {}).get("Shuffle Bytes Written", 0)
    return total


def stages(lake: Any, engine: Any, tables: Any) -> tuple[dict[str, float], Any, Any]:
    """(seconds of both stages, signatures, duplicates) of one dump."""
    from dataclasses import replace

    from pipelines.cards.minhash import MinHashParameters
    from pipelines.cards.release import ReleaseCard
    from pipelines.dedup.duplicates import duplicates_stage
    from pipelines.dedup.signatures import signatures_stage
    from pipelines.tables.inputs import ReleaseTables

    marks = [(time.time(), cpu_seconds())]
    signatures = build(
        lake, engine, signatures_stage(tables.documents, tables.edits, MinHashParameters())
    ).dataset
    marks.append((time.time(), cpu_seconds()))
    name = tables.card.name
    release = ReleaseTables(
        ReleaseCard(name=name, dumps=(name,)), {name: replace(tables, signatures=signatures)}
    )
    duplicates = build(lake, engine, duplicates_stage(release)).dataset
    marks.append((time.time(), cpu_seconds()))
    figures = {}
    for stage, before, after in zip(("signatures", "duplicates"), marks, marks[1:], strict=False):
        figures |= {f"{stage}_wall": after[0] - before[0], f"{stage}_cpu": after[1] - before[1]}
    return figures, signatures, duplicates


def measure_spark_scale(root: Path, data: Path, count: int) -> dict[str, float]:
    """Figures of `count` documents in a session of its own, after the same work on 2,000 (compiled
    code warm)."""
    from pipelines.engine import Spark
    from pipelines.lake import Lake

    log = root / f"events-{count}"
    log.mkdir(parents=True)
    started, before = time.time(), cpu_seconds()
    conf = {
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": f"file://{log}",
        "spark.local.dir": str(root / "spark"),
    }
    engine = Spark(
        "local[2]", conf | {"spark.eventLog.compress": "false", "spark.eventLog.rolling.enabled": "false"}
    )
    generator = Generator(data)
    figures: dict[str, float] = {}
    for name, size in (("warm", 2_000), ("scale", count)):
        lake = Lake(root / f"lake-{count}-{name}")
        tables = write_dump(lake, engine, generator, name, 0, size)
        if name == "warm":
            stages(lake, engine, tables)
            figures |= {"start_wall": time.time() - started, "start_cpu": cpu_seconds() - before}
        else:
            memory = PeakMemory()
            memory.start()
            found, signatures, duplicates = stages(lake, engine, tables)
            figures |= found | {"peak_mb": memory.stop()}
    engine.stop()
    figures |= {
        "removed": duplicates.stats["removed"],
        "largest_cluster": duplicates.stats["largest_cluster"],
    }
    figures |= {
        "cpu": figures["signatures_cpu"] + figures["duplicates_cpu"],
        "wall": figures["signatures_wall"] + figures["duplicates_wall"],
    }
    figures["shuffle_bytes_per_document"] = shuffle_bytes(log) / count
    figures["lake_bytes_per_document"] = sum(d.manifest.bytes for d in (signatures, duplicates)) / count
    rounded = {name: round(value, 2) for name, value in figures.items()}
    print(f"{count} documents: {json.dumps(rounded)}", flush=True)
    return rounded


def main(arguments: list[str] | None = None) -> int:
    """Print the table and the result line; 2 where the data is absent."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument(
        "--quick", action="store_true", help="10,000 and 20,000 documents instead of 500,000 and 1,000,000"
    )
    parser.add_argument(
        "--folder", type=Path, help="where the documents are written (4 kB each; default: a temporary folder)"
    )
    options = parser.parse_args(arguments)
    if not options.data.is_dir():
        print(f"{options.data} is not there: name a corpus with --data", file=sys.stderr)
        return 2
    half = 10_000 if options.quick else 500_000
    with tempfile.TemporaryDirectory(dir=options.folder) as root:
        small, large = (measure_spark_scale(Path(root), options.data, count) for count in (half, 2 * half))
    print(f"{'figure':32} {half:>12,} {2 * half:>12,}")
    for name in small:
        print(f"{name:32} {small[name]:12,.1f} {large[name]:12,.1f}")
    metrics = {
        f"{name}_{size}": values[name]
        for size, values in ((half, small), (2 * half, large))
        for name in values
    }
    metrics |= {
        "growth": round(large["cpu"] / small["cpu"], 3),
        "growth_wall": round(large["wall"] / small["wall"], 3),
    }
    metrics["documents_per_cpu_second"] = round(2 * half / large["cpu"], 1)
    goal = {"growth": 2.2}
    command = "python -m benchmarks.spark_scale" + (" --quick" if options.quick else "")
    print(
        json.dumps(
            {
                "name": "spark_scale",
                "metrics": metrics,
                "goal": goal,
                "hardware": hardware(),
                "command": command,
            }
        )
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
