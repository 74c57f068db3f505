"""WARC files to documents, edits, signals and signatures, against datatrove's same steps, in CPU seconds.

Run: python -m benchmarks.pages [--quick] [--data ../shared/data/webdump] [--no-workers]
Ours computes every signal of every document; datatrove filters as it goes (trafilatura, language label, Gopher repetition and quality,
FineWeb quality, MinHash signatures of what is left), so that it does less. Its reader leaves out pages whose charset or type it
does not make out: `ratio_datatrove` counts the pages that each has read, `ratio_datatrove_same_files` the CPU seconds alone.
Children are included; start-up and compiled code's loading lie outside both clocks. Also printed: the largest memory of our process,
and the throughput of two worker processes over one (wall time: only a quiet machine gives a fair figure).
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
from pathlib import Path

from pipelines.dumps.card import DumpCard
from pipelines.dumps.raw import build_raw_dump
from pipelines.edits import build_edits
from pipelines.extraction.stage import build_documents
from pipelines.lake import Lake
from pipelines.signals.language import model_path
from pipelines.signals.stage import build_signals
from pipelines.spark import InProcess

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data" / "webdump"
PEERS_PYTHON = ROOT / ".venv-peers" / "bin" / "python"
QUICK = ("en-goose3", "zh-news-gne")
STAGES = ("documents", "edits", "signals", "signatures")


def run_ours(folder: Path, lake_root: Path) -> tuple[int, dict[str, float]]:
    """(pages, CPU seconds by stage) of one pass over the WARC files of a folder."""
    from pipelines.dedup.signatures import MinHashParameters, build_signatures

    lake, engine = Lake(lake_root), InProcess()
    card = DumpCard(name="pages", kind="warc", uris=(f"{folder}/*.warc.gz",))
    raw = build_raw_dump(lake, card).dataset
    marks = [time.process_time()]
    documents = build_documents(lake, engine, card, raw).dataset
    marks.append(time.process_time())
    edits = build_edits(lake, engine, documents).dataset
    marks.append(time.process_time())
    build_signals(lake, engine, documents, edits)
    marks.append(time.process_time())
    build_signatures(lake, engine, documents, edits, MinHashParameters())
    marks.append(time.process_time())
    return documents.stats["pages"], {stage: b - a for stage, a, b in zip(STAGES, marks, marks[1:], strict=False)}


def run_peer(warm: Path, folder: Path, output: Path) -> tuple[int, float]:
    """(pages, CPU seconds) of datatrove in a process of its own."""
    command = [str(PEERS_PYTHON), str(Path(__file__).with_name("pages_peer.py")), str(warm), str(folder), str(output), str(model_path())]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"datatrove did not finish:\n{done.stderr[-2000:]}")
    answer = json.loads(done.stdout.splitlines()[-1])
    return int(answer["pages"]), float(answer["seconds"])


def workers(folders: list[Path], scratch: Path) -> float:
    """Pages per wall second with one process a folder, all at once; compiled code is loaded before the clock starts."""
    code = (
        "import sys; from pathlib import Path; from benchmarks.pages import run_ours; files, lake = map(Path, sys.argv[1:]);"
        "run_ours(files, lake / 'warm');"
        "print('ready', flush=True); sys.stdin.readline(); print(run_ours(files, lake / 'run')[0], flush=True)"
    )
    running = []
    for number, folder in enumerate(folders):
        target = scratch / f"worker{number}"
        command = [sys.executable, "-c", code, str(folder), str(target)]
        running.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT))
    for process in running:
        assert process.stdout and process.stdout.readline().strip() == "ready"
    started = time.perf_counter()
    for process in running:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    pages = sum(int(process.stdout.readline()) for process in running if process.stdout)
    wall = time.perf_counter() - started
    for process in running:
        process.wait(60)
    return pages / wall


def main(arguments: list[str] | None = None) -> int:
    """Print the table and the result line; 2 where data or peer are absent."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="a folder of .warc.gz files")
    parser.add_argument("--quick", action="store_true", help=f"only {', '.join(QUICK)}")
    parser.add_argument("--no-workers", action="store_true", help="leave out the comparison of two workers with one")
    options = parser.parse_args(arguments)
    files = sorted(options.data.glob("*.warc.gz"))
    if options.quick:
        files = [f for f in files if f.name.split(".")[0] in QUICK]
    if not files or not PEERS_PYTHON.exists():
        print(f"needs .warc.gz files in {options.data} and {PEERS_PYTHON} (`make bench-setup`)", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="skypile-pages-") as name:
        scratch = Path(name)
        inputs = scratch / "in"
        inputs.mkdir()
        for file in files:
            shutil.copy(file, inputs)
        warm = scratch / "warm"
        warm.mkdir()
        shutil.copy(min(files, key=lambda f: f.stat().st_size), warm)
        run_ours(warm, scratch / "warm-lake")
        pages, stages = run_ours(inputs, scratch / "lake")
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        peer_pages, peer_seconds = run_peer(warm, inputs, scratch / "peer")
        seconds = sum(stages.values())
        metrics: dict[str, float] = {
            "pages": pages,
            "pages_per_second": round(pages / seconds, 1),
            "pages_per_second_datatrove": round(peer_pages / peer_seconds, 1),
            "ratio_datatrove": round((pages / seconds) / (peer_pages / peer_seconds), 2),
            "ratio_datatrove_same_files": round(peer_seconds / seconds, 2),
            "pages_datatrove": peer_pages,
            "peak_megabytes": round(peak_mb),
        }
        print(f"{'':12}{'pages':>8}{'CPU s':>9}{'pages/CPU s':>13}")
        for stage, value in stages.items():
            metrics[f"seconds_{stage}"] = round(value, 2)
            print(f"  {stage:10}{pages:8}{value:9.2f}{pages / value:13.1f}")
        print(f"{'skypile':12}{pages:8}{seconds:9.2f}{pages / seconds:13.1f}   largest memory {peak_mb:.0f} MB")
        print(f"{'datatrove':12}{peer_pages:8}{peer_seconds:9.2f}{peer_pages / peer_seconds:13.1f}   ratio {metrics['ratio_datatrove']}")
        print(f"datatrove's reader gave up on {pages - peer_pages} pages; by CPU seconds for the same files: {peer_seconds / seconds:.2f}")
        if not options.no_workers:
            one = workers([inputs], scratch / "one")
            two = workers([inputs, inputs], scratch / "two")
            metrics["workers_2_over_1"] = round(two / one, 2)
            print(f"two workers: {two:.0f} pages/s of wall time, one: {one:.0f}, ratio {two / one:.2f}")
    command = "python -m benchmarks.pages" + " --quick" * options.quick + " --no-workers" * options.no_workers
    hardware = f"{platform.machine()}, {platform.python_implementation()} {platform.python_version()}"
    goal = {"ratio_datatrove": 8, "workers_2_over_1": 1.7}
    print(json.dumps({"name": "pages", "metrics": metrics, "goal": goal, "hardware": hardware, "command": command}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
