"""`python -m model.evaluate`: one evaluation of an exported model, as one JSON file.

    python -m model.evaluate --run-dir DIR --export DIR/export/stage2 --task benchmarks \\
        --data FOLDER --output FILE

What cannot be measured because a file is absent is reported as {"missing": "..."} by name; no
number is ever made up. Knows no Dagster.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import sys
from pathlib import Path
from typing import Any

from model.evaluate.choices import evaluate_choices, read_sets
from model.evaluate.gsm8k import evaluate_gsm8k, read_splits
from model.evaluate.language_loss import domain_perplexity, last_in_loop, validation_loss
from model.evaluate.leakage import leakage
from model.evaluate.overfit import compare
from model.evaluate.questions import BENCHMARKS
from model.evaluate.scorer import Scorer, load_scorer
from model.plan.limits import EvaluationLimits
from model.plan.run_file import RunFile
from pipelines.lake.atomic import write_whole
from pipelines.shards.format import ShardError

# Documents of each set that a CPU reads without --limit; a GPU reads all.
CPU_DOCUMENTS = 100
TASKS = ("validation", "perplexity", "benchmarks", "leakage")


def benchmarks(scorer: Scorer, data: Path | None, kept: Path, limit: int) -> dict[str, Any]:
    """All four benchmarks. Answers are kept by model, so that a call that was cut off goes on where
    it was. Every file is read before the first question, so that a faulty one costs no time."""
    with contextlib.suppress(FileNotFoundError):
        read_splits(data)
    for name in BENCHMARKS:
        with contextlib.suppress(FileNotFoundError):
            read_sets(name, data)
    folder = kept / scorer.model_hash[:16]
    out: dict[str, Any] = {
        name: evaluate_choices(scorer, name, data, folder / f"{name}.jsonl", limit) for name in BENCHMARKS
    }
    return out | {"gsm8k": evaluate_gsm8k(scorer, data, folder / "gsm8k.jsonl", limit)}


def run(
    task: str, scorer: Scorer, run_dir: Path, export: Path, data: Path | None, output: Path, limit: int
) -> dict[str, Any]:
    """The report of one task. `limit`: questions or documents of a set, 0 for all."""
    if task == "validation":
        shards = data or Path(RunFile.load(run_dir).shards.validation)
        in_loop = {} if data else last_in_loop(run_dir, export, scorer.context)
        return validation_loss(scorer, shards, export / "tokenizer.json", in_loop=in_loop)
    if task == "perplexity":
        return domain_perplexity(scorer, data, limit=limit)
    if task == "benchmarks":
        return benchmarks(scorer, data, output.parent / "answers", limit)
    return leakage(scorer, data, limit)


def finite(value: Any) -> Any:
    """JSON has no NaN or infinity: they become null."""
    if isinstance(value, dict):
        return {k: finite(v) for k, v in value.items()}
    if isinstance(value, list):
        return [finite(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write(path: Path, report: dict[str, Any]) -> None:
    """All of it or nothing."""
    text = json.dumps(finite(report), ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False)
    write_whole(path, text + "\n")


def main(arguments: list[str] | None = None) -> int:
    """The command line; 1 and a sentence on stderr where a file is missing or does not fit."""
    parser = argparse.ArgumentParser(prog="python -m model.evaluate", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--run-dir", type=Path, required=True, help="folder of the run; run.json names the validation shards"
    )
    parser.add_argument(
        "--export",
        type=Path,
        required=True,
        help="folder with config.json, model.safetensors, tokenizer.json",
    )
    parser.add_argument("--task", choices=TASKS, required=True)
    parser.add_argument(
        "--output", type=Path, required=True, help="JSON file to write; kept answers go to answers/ beside it"
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=None,
        help="folder of benchmark, test-set or leakage files, or of other shards",
    )
    parser.add_argument(
        "--limit",
        type=int,
        help="questions of each benchmark (50), documents of each set (all; 100 on a CPU); 0 for all",
    )
    parser.add_argument(
        "--before",
        type=Path,
        help="reports of an earlier checkpoint: adds the over-fit gate of the paper's Table 7",
    )
    parser.add_argument("--device", default=None, help="cpu or cuda; by default the GPU where there is one")
    options = parser.parse_args(arguments)
    if options.limit is not None and options.limit < 0:
        parser.error("--limit must be 0 or more")
    try:
        scorer = load_scorer(options.export, options.device)
        limit = EvaluationLimits().of(options.task) if options.limit is None else options.limit
        if limit is None:
            limit = CPU_DOCUMENTS if scorer.device == "cpu" else 0
        report = run(
            options.task, scorer, options.run_dir, options.export, options.data, options.output, limit
        )
    except (FileNotFoundError, ValueError, ShardError) as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 1
    report |= {
        "task": options.task,
        "weights_hash": scorer.weights_hash,
        "model_hash": scorer.model_hash,
        "context": scorer.context,
        "limit": limit,
    }
    write(options.output, report)
    if options.before:
        write(options.output, report | {"overfit": compare(options.before, options.output.parent)})
    print(f"evaluate: {options.task} written to {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
