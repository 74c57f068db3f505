"""English rules against datatrove's own filters: equal decisions, and how much faster.

Run: python -m benchmarks.rules [--quick] [--data ../shared/data/corpus] (needs `make bench-setup`)
datatrove runs from .venv-peers with its word tokenizer set to `str.split`: Gopher quality, Gopher
repetition, FineWeb quality, C4. Ours measures all of them in one pass over Arrow buffers. Decisions
are compared on documents of all sources and languages, time on the English ones: CPU time, one
process each, rounds interleaved, medians. `ratio_datatrove`: every filter sees every text, as
needed to name every reason; `ratio_datatrove_chain`: a text stops at its first failing filter.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks.datatrove_reasons import REASONS
from benchmarks.signatures import DATA, hardware

ROOT = Path(__file__).resolve().parents[1]
PEER = ROOT / ".venv-peers/bin/python"
ORACLE = ROOT / "benchmarks/peers/datatrove_rules.py"


def read_texts(data: Path, per_source: int) -> tuple[list[str], list[str]]:
    """(English, other) whole documents of every source of the corpus, at most `per_source` and a
    twentieth of it of each."""
    import zstandard

    texts: tuple[list[str], list[str]] = ([], [])
    for path in sorted(data.glob("*/*.jsonl.zst")):
        found = [0, 0]
        with open(path, "rb") as file:
            for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8"):
                row = json.loads(line)
                other = int(row["lang"] != "en")
                if found[other] < (per_source // 20 if other else per_source):
                    found[other] += 1
                    texts[other].append(row["text"])
    return texts


def failing(texts: list[str]) -> list[set[str]]:
    """For each text, counted in words, the numbers of policies/fineweb.yaml that it fails, and C4's
    strict ones under the same bounds."""
    import numpy as np

    from pipelines.filtering.decisions import outside
    from pipelines.filtering.policy import Policy, policy_path
    from pipelines.signals import rules

    table = rules.measure_rules(pa.array(texts, pa.string()), ["en"] * len(texts))
    bounds = {
        k.removeprefix("rules/"): b
        for k, b in Policy.load(policy_path("fineweb")).sets[0].bounds.items()
        if k.startswith("rules/")
    }
    bounds |= {name.replace("_any_end", ""): bound for name, bound in bounds.items() if "_any_end" in name}
    failed: list[set[str]] = [set() for _ in texts]
    for name, bound in bounds.items():
        for row in np.flatnonzero(outside(table[name].combine_chunks(), bound)):
            failed[row].add(name)
    return failed


def compare(answers: list[dict[str, str]], failed: list[set[str]]) -> list[tuple[int, str, str, list[str]]]:
    """(text, filter, datatrove's reason, ours) wherever the decision differs, or datatrove's reason
    is not among ours."""
    different = []
    for row, (answer, ours) in enumerate(zip(answers, failed, strict=True)):
        for name, reason in answer.items():
            mine = ours & set(REASONS[name].values())
            if bool(reason) != bool(mine) or (reason and REASONS[name].get(reason) not in mine):
                different.append((row, name, reason, sorted(mine)))
    return different


class Datatrove:
    """The peer's process: its answers, and CPU seconds of a round."""

    def __init__(self, texts: list[str]) -> None:
        self.folder = tempfile.TemporaryDirectory()
        source, target = Path(self.folder.name, "texts.jsonl"), Path(self.folder.name, "answers.jsonl")
        source.write_text("".join(json.dumps(t) + "\n" for t in texts), encoding="utf-8")
        command = [str(PEER), str(ORACLE), str(source), str(target)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self._answer() != "ready":
            raise RuntimeError("datatrove did not start: run `make bench-setup`")
        self.answers: list[dict[str, str]] = [
            json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()
        ]

    def _answer(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def seconds(self, mode: str) -> float:
        """CPU seconds of one round over all texts; `mode` is all or chain."""
        assert self.process.stdin
        self.process.stdin.write(f"{mode}\n")
        self.process.stdin.flush()
        return float(self._answer())

    def close(self) -> None:
        self.process.communicate()
        self.folder.cleanup()


def main(arguments: list[str] | None = None) -> int:
    """Print the table and the result line; 2 where data or peer are absent."""
    from pipelines.signals import rules

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--quick", action="store_true", help="fewer documents and rounds")
    options = parser.parse_args(arguments)
    for needed, what in ((options.data, "name a corpus with --data"), (PEER, "run `make bench-setup`")):
        if not needed.exists():
            print(f"{needed} is not there: {what}", file=sys.stderr)
            return 2
    english, other = read_texts(options.data, 60 if options.quick else 500)
    texts = english + other
    judge = Datatrove(texts)
    judge.close()
    different = compare(judge.answers, failing(texts))
    peer = Datatrove(english)
    dropped = Counter(name for v in judge.answers for name, r in v.items() if r)
    decided = sum(bool(r) != bool(mine) for _, _, r, mine in different)
    column = pa.array(english, pa.string())
    languages = ["en"] * len(english)
    ours: list[float] = []
    theirs: dict[str, list[float]] = {"all": [], "chain": []}
    for _ in range(3):
        for mode, values in theirs.items():
            values.append(peer.seconds(mode))
        started = time.process_time()
        rounds = 3
        for _ in range(rounds):
            rules.measure_rules(column, languages)
        ours.append((time.process_time() - started) / rounds)
    peer.close()
    mine = statistics.median(ours)
    megabytes = sum(len(t.encode()) for t in english) / 1e6
    metrics: dict[str, Any] = {
        "ratio_datatrove": round(statistics.median(theirs["all"]) / mine, 1),
        "ratio_datatrove_chain": round(statistics.median(theirs["chain"]) / mine, 1),
        "agreement_datatrove": round(1 - decided / (len(texts) * len(REASONS)), 6),
        "different_decisions": decided,
        "different_reasons": len(different) - decided,
        "documents": len(texts),
        "megabytes_per_second": round(megabytes / mine, 1),
        "documents_per_second": round(len(english) / mine),
    }
    print(f"decisions on {len(texts)} documents; dropped by datatrove: {dict(sorted(dropped.items()))}")
    print(f"time on the {len(english)} English ones, {megabytes:.1f} MB")
    for name, seconds in (
        ("skypile", mine),
        *((f"datatrove, {k}", statistics.median(v)) for k, v in theirs.items()),
    ):
        print(
            f"{name:18} {len(english) / seconds:10.0f} docs/s {megabytes / seconds:8.2f} MB/s "
            f"{seconds / mine:7.1f}x our time"
        )
    for row, name, reason, numbers in different[:20]:
        print(
            f"  differs in {name}: text {row} ({len(texts[row])} characters), datatrove "
            f"{reason or 'keeps'}, ours {numbers or 'keeps'}"
        )
    command = "python -m benchmarks.rules" + (" --quick" if options.quick else "")
    goal = {"ratio_datatrove": 40, "agreement_datatrove": 1.0}
    print(
        json.dumps(
            {"name": "rules", "metrics": metrics, "goal": goal, "hardware": hardware(), "command": command}
        )
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
