"""WARC files to documents, edits, signals, signatures and decisions, against datatrove's same steps,
in CPU seconds.

Run: python -m benchmarks.pages [--quick] [--data ../shared/data/webdump] [--no-workers] Ours
computes every signal of every document and judges it by the default policy, without scores, since
models are a lake's own (`python -m benchmarks.classifiers` times them); datatrove filters as it
goes (trafilatura, language label, Gopher repetition and quality, FineWeb quality, MinHash
signatures of what is left), so that it does less. Its reader leaves out pages whose charset or type
it does not make out: `ratio_datatrove` counts the pages that each has read,
`ratio_datatrove_same_files` the CPU seconds alone. Children are included; start-up and compiled
code's loading lie outside both clocks. Also printed: the
largest memory of our process, and the throughput of two worker processes over one (see `scaling`).
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import chain
from pathlib import Path
from statistics import mean

import pyarrow as pa

from pipelines.cards.dump import DumpCard
from pipelines.dumps.raw_dump import raw_dump_stage
from pipelines.edits.edits import edits_stage
from pipelines.engine import InProcess
from pipelines.extraction.documents import documents_stage
from pipelines.extraction.split import split_stage
from pipelines.filtering.decisions import decisions_stage
from pipelines.filtering.policy import current_policy
from pipelines.lake import Dataset, Lake, Writer
from pipelines.quality.scores import SCORES
from pipelines.signals.language import model_path
from pipelines.signals.signals import code_stage, language_stage, rules_stage, safety_stage
from pipelines.tables.stage import build

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data" / "webdump"
PEERS_PYTHON = ROOT / ".venv-peers" / "bin" / "python"
QUICK = ("en-goose3", "zh-news-gne")
QUICK_COPIES = 4  # of each file in one pass of the worker processes: 119 pages are too few to say anything
STAGES = ("documents", "edits", "signals", "signatures", "decisions")
GOAL = {"pages_per_cpu_second": 400, "ratio_datatrove": 15, "worker_megabytes": 700, "workers_2_over_1": 1.7}
"""Megabytes at most, the others at least."""


def run_ours(folder: Path, lake_root: Path) -> tuple[int, dict[str, float]]:
    """(pages, CPU seconds by stage) of one pass over the WARC files of a folder."""
    from pipelines.cards.minhash import MinHashParameters
    from pipelines.dedup.signatures import signatures_stage

    lake, engine = Lake(lake_root), InProcess()
    card = DumpCard(name="pages", kind="warc", uris=(f"{folder}/*.warc.gz",))
    raw_dump = build(lake, engine, raw_dump_stage(card, Path(lake.root))).dataset
    marks = [time.process_time()]
    split = build(lake, engine, split_stage(card, raw_dump)).dataset
    documents = build(lake, engine, documents_stage(card, raw_dump, split)).dataset
    marks.append(time.process_time())
    edits = build(lake, engine, edits_stage(documents)).dataset
    marks.append(time.process_time())
    language = build(lake, engine, language_stage(documents, edits)).dataset
    signals = {
        "language": language,
        "rules": build(lake, engine, rules_stage(documents, edits, language)).dataset,
        "safety": build(lake, engine, safety_stage(documents, edits)).dataset,
        "code": build(lake, engine, code_stage(documents, edits)).dataset,
    }
    marks.append(time.process_time())
    build(lake, engine, signatures_stage(documents, edits, MinHashParameters()))
    marks.append(time.process_time())
    scores, policy = without_scores(lake, documents), current_policy(lake)
    unclocked = time.process_time() - marks[-1]
    build(lake, engine, decisions_stage(documents, signals, scores, policy))
    marks.append(time.process_time() - unclocked)
    return documents.stats["pages"], {
        stage: b - a for stage, a, b in zip(STAGES, marks, marks[1:], strict=False)
    }


def without_scores(lake: Lake, documents: Dataset) -> Dataset:
    """The table of scores as a lake without models has it: nulls."""

    def write(writer: Writer) -> None:
        for index, part in enumerate(documents.parts):
            ids = documents.read_part(index, ["doc_id"])["doc_id"]
            nulls = [pa.nulls(len(ids), field.type) for field in list(SCORES)[1:]]
            writer.write_table(part.path, pa.table([ids, *nulls], schema=SCORES))

    return lake.publish("scores", "pages", version=1, inputs={"documents": documents}, write=write).dataset


def run_peer(warm: Path, folder: Path, output: Path) -> tuple[int, float]:
    """(pages, CPU seconds) of datatrove in a process of its own."""
    command = [
        str(PEERS_PYTHON),
        str(Path(__file__).with_name("pages_peer.py")),
        str(warm),
        str(folder),
        str(output),
        str(model_path()),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"datatrove did not finish:\n{done.stderr[-2000:]}")
    answer = json.loads(done.stdout.splitlines()[-1])
    return int(answer["pages"]), float(answer["seconds"])


class Worker:
    """A process of its own that runs over a folder each time it is told to; compiled code is loaded
    before it is ready."""

    def __init__(self, folder: Path, lake_root: Path) -> None:
        command = [sys.executable, "-m", "benchmarks.pages", "--worker", str(folder), str(lake_root)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        self.answer()

    def start(self) -> None:
        assert self.process.stdin
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def answer(self) -> dict[str, float]:
        """`pages`, `wall` and `cpu` seconds, `waited` (seconds for a core that others held),
        `megabytes` (largest so far)."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("a worker process ended early")
        found: dict[str, float] = json.loads(line)
        return found

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(60)


def waited_seconds() -> float:
    """Time that this process's main thread could have run and had no core, as Linux counts it; 0
    elsewhere."""
    try:
        return int(Path("/proc/self/schedstat").read_text().split()[1]) / 1e9
    except OSError:
        return 0.0


def serve(folder: Path, lake_root: Path) -> None:
    """The worker process: one pass to warm up, then one for each line of stdin."""
    for number, _ in enumerate(chain([""], sys.stdin)):
        wall, cpu, waited = time.perf_counter(), time.process_time(), waited_seconds()
        pages, _ = run_ours(folder, lake_root / str(number))
        answer = {
            "pages": pages,
            "wall": time.perf_counter() - wall,
            "cpu": time.process_time() - cpu,
            "waited": waited_seconds() - waited,
        }
        shutil.rmtree(lake_root / str(number))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(answer | {"megabytes": peak}), flush=True)


def scaling(inputs: Path, scratch: Path, rounds: int) -> dict[str, float]:
    """Throughput of two workers over one, alone and together by turns.

    By wall time; by wall time without the waits for cores that other programs held; and by CPU
    seconds a page, which shows what two workers cost each other in caches and memory. On a quiet
    machine the first two agree.
    """
    pair = [Worker(inputs, scratch / f"worker{number}") for number in range(2)]
    rates: dict[str, list[list[float]]] = {"wall": [[], []], "unwaited": [[], []], "cpu": [[], []]}
    answers: list[dict[str, float]] = []
    for _ in range(rounds):
        for group in ([pair[0]], [pair[1]], pair):
            for worker in group:
                worker.start()
            answers = [worker.answer() for worker in group]
            together = len(group) - 1
            rates["wall"][together].append(sum(a["pages"] for a in answers) / max(a["wall"] for a in answers))
            rates["unwaited"][together].append(sum(a["pages"] / (a["wall"] - a["waited"]) for a in answers))
            rates["cpu"][together].append(sum(a["pages"] / a["cpu"] for a in answers))
    for worker in pair:
        worker.close()
    found = {
        f"workers_2_over_1_{clock}": round(mean(two) / mean(one), 2) for clock, (one, two) in rates.items()
    }
    found["workers_2_over_1"] = found.pop("workers_2_over_1_wall")
    return found | {
        "pages_per_worker": answers[0]["pages"],
        "worker_megabytes": round(max(a["megabytes"] for a in answers)),
    }


def main(arguments: list[str] | None = None) -> int:
    """Print the table and the result line; 2 where data or peer are absent."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="a folder of .warc.gz files")
    parser.add_argument("--quick", action="store_true", help=f"only {', '.join(QUICK)}")
    parser.add_argument(
        "--no-workers", action="store_true", help="leave out the comparison of two workers with one"
    )
    parser.add_argument("--worker", nargs=2, type=Path, metavar=("FOLDER", "LAKE"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.worker:
        serve(*options.worker)
        return 0
    files = sorted(options.data.glob("*.warc.gz"))
    if options.quick:
        files = [f for f in files if f.name.split(".")[0] in QUICK]
    if not files or not PEERS_PYTHON.exists():
        print(
            f"needs .warc.gz files in {options.data} and {PEERS_PYTHON} (`make bench-setup`)", file=sys.stderr
        )
        return 2
    with tempfile.TemporaryDirectory(prefix="skypile-pages-") as name:
        scratch = Path(name)
        inputs = scratch / "in"
        inputs.mkdir()
        for file in files:
            shutil.copy(file, inputs)
        warm = scratch / "warm"
        warm.mkdir()
        for file in sorted(files, key=lambda f: f.stat().st_size)[:2]:  # one of each language
            shutil.copy(file, warm)
        run_ours(warm, scratch / "warm-lake")
        pages, stages = run_ours(inputs, scratch / "lake")
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        peer_pages, peer_seconds = run_peer(warm, inputs, scratch / "peer")
        seconds = sum(stages.values())
        metrics: dict[str, float] = {
            "pages": pages,
            "pages_per_cpu_second": round(pages / seconds, 1),
            "pages_per_second": round(pages / seconds, 1),
            "pages_per_second_datatrove": round(peer_pages / peer_seconds, 1),
            "ratio": round((pages / seconds) / (peer_pages / peer_seconds), 2),
            "ratio_datatrove": round((pages / seconds) / (peer_pages / peer_seconds), 2),
            "ratio_datatrove_same_files": round(peer_seconds / seconds, 2),
            "pages_datatrove": peer_pages,
            "peak_megabytes": round(peak_mb),
        }
        print(f"{'':12}{'pages':>8}{'CPU s':>9}{'pages/CPU s':>13}")
        for stage, value in stages.items():
            metrics[f"seconds_{stage}"] = round(value, 2)
            print(f"  {stage:10}{pages:8}{value:9.2f}{pages / value:13.1f}")
        print(
            f"{'skypile':12}{pages:8}{seconds:9.2f}{pages / seconds:13.1f}   largest memory {peak_mb:.0f} MB"
        )
        print(
            f"{'datatrove':12}{peer_pages:8}{peer_seconds:9.2f}{peer_pages / peer_seconds:13.1f}   ratio"
            f" {metrics['ratio_datatrove']}"
        )
        print(
            f"datatrove's reader gave up on {pages - peer_pages} pages; by CPU seconds for the same files:"
            f" {peer_seconds / seconds:.2f}"
        )
        if not options.no_workers:
            many = scratch / "many"
            many.mkdir()
            for number in range(QUICK_COPIES if options.quick else 1):
                for file in files:
                    shutil.copy(file, many / f"{number}-{file.name}")
            metrics |= scaling(many, scratch, rounds=1 if options.quick else 3)
            print(
                f"two workers over one, {metrics['pages_per_worker']:.0f} pages each:"
                f" {metrics['workers_2_over_1']} of wall time, "
                f"{metrics['workers_2_over_1_unwaited']} without waits for cores,"
                f" {metrics['workers_2_over_1_cpu']} by CPU seconds; "
                f"largest memory of a worker {metrics['worker_megabytes']:.0f} MB"
            )
    command = "python -m benchmarks.pages" + " --quick" * options.quick + " --no-workers" * options.no_workers
    hardware = f"{platform.machine()}, {platform.python_implementation()} {platform.python_version()}"
    print(
        json.dumps(
            {"name": "pages", "metrics": metrics, "goal": GOAL, "hardware": hardware, "command": command}
        )
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
