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

import numpy as np

from model.evaluate.choices import evaluate_choices, read_sets
from model.evaluate.files import read_answers
from model.evaluate.gsm8k import evaluate_gsm8k, read_splits
from model.evaluate.language_loss import (
    domain_perplexity,
    last_in_loop,
    losses_of_documents,
    validation_loss,
)
from model.evaluate.leakage import leakage
from model.evaluate.overfit import Change, overfit_gate
from model.evaluate.questions import BENCHMARKS
from model.evaluate.scorer import Scorer, load_scorer
from model.plan.limits import EvaluationLimits
from model.plan.run_file import RunFile
from pipelines.lake.outputs import OutputError, refuse_foreign_file, replace_file
from pipelines.shards.format import ShardError

# Documents of each set that a CPU reads without --limit; a GPU reads all.
CPU_DOCUMENTS = 100
TASKS = ("validation", "perplexity", "benchmarks", "leakage", "overfit")


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


def answered(scorer: Scorer, data: Path | None, kept: Path, limit: int) -> dict[str, dict[str, bool]]:
    """By benchmark whose files are there, and by question: whether the answer is right."""
    reports = benchmarks(scorer, data, kept, limit)
    folder = kept / scorer.model_hash[:16]
    return {
        name: {r["key"]: bool(r["correct"]) for r in read_answers(folder / f"{name}.jsonl").values()}
        for name, report in reports.items()
        if "missing" not in report
    }


def overfit(
    before: Scorer, after: Scorer, shards: Path, data: Path | None, kept: Path, limit: int
) -> dict[str, Any]:
    """The over-fit gate of two checkpoints of one run. ValueError where their documents are cut
    into other tokens, so that they cannot be paired."""
    if not shards.is_dir():
        return {"missing": f"{shards}: no validation shards"}
    old, new = losses_of_documents(before, shards), losses_of_documents(after, shards)
    loss = {d: Change(new[d].nll - old[d].nll, float(new[d].tokens.sum())) for d in new}
    first, second = (answered(s, data, kept, limit) for s in (before, after))
    accuracy = {}
    for name in sorted(first.keys() & second.keys()):
        asked = sorted(first[name].keys() & second[name].keys())
        if asked:
            differences = np.array([float(second[name][k]) - float(first[name][k]) for k in asked])
            accuracy[name] = Change(differences, len(asked))
    documents = {d: len(new[d].nll) for d in new}
    questions = {name: int(change.total) for name, change in accuracy.items()}
    return overfit_gate(loss, accuracy) | {
        "documents": documents,
        "questions": questions,
        "before": before.model_hash,
    }


def run(options: argparse.Namespace, scorer: Scorer, limit: int) -> dict[str, Any]:
    """The report of the task that the command line names. `limit`: questions or documents of a set,
    0 for all."""
    run_dir, export, data = options.run_dir, options.export, options.data
    # In the run's folder, so that another task, or a retry that writes elsewhere, finds them.
    answers = run_dir / "evaluation" / "answers"
    if options.task == "validation":
        shards = data or Path(RunFile.load(run_dir).shards.validation)
        in_loop = {} if data else last_in_loop(run_dir, export, scorer.context)
        return validation_loss(scorer, shards, export / "tokenizer.json", in_loop=in_loop)
    if options.task == "perplexity":
        return domain_perplexity(scorer, data, limit=limit)
    if options.task == "benchmarks":
        return benchmarks(scorer, data, answers, limit)
    if options.task == "leakage":
        return leakage(scorer, data, limit)
    same = [(folder / "tokenizer.json").read_bytes() for folder in (options.before, export)]
    if same[0] != same[1]:
        raise ValueError(f"{options.before} and {export} have other tokenizers: they cannot be paired")
    shards = Path(RunFile.load(run_dir).shards.validation)
    return overfit(load_scorer(options.before, options.device), scorer, shards, data, answers, limit)


REPORT = '"model_hash": "'
"""What every report of an evaluation contains, and few other files."""


def finite(value: Any) -> Any:
    """JSON has no NaN or infinity: they become null."""
    if isinstance(value, dict):
        return {k: finite(v) for k, v in value.items()}
    if isinstance(value, list):
        return [finite(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write(path: Path, report: dict[str, Any]) -> None:
    """All of it or nothing. OutputError where something else stands at `path`."""
    text = json.dumps(finite(report), ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False)
    replace_file(path, text + "\n", REPORT)


def main(arguments: list[str] | None = None) -> int:
    """The command line; 1 and a sentence on stderr where a file is missing or does not fit."""
    parser = argparse.ArgumentParser(prog="python -m model.evaluate", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--run-dir",
        type=Path,
        required=True,
        help="folder of the run: its run.json is read, and answers kept in its evaluation/answers/",
    )
    parser.add_argument(
        "--export",
        type=Path,
        required=True,
        help="folder with config.json, model.safetensors, tokenizer.json",
    )
    parser.add_argument("--task", choices=TASKS, required=True)
    parser.add_argument("--output", type=Path, required=True, help="JSON file to write")
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
        help="with --task overfit: export folder of the earlier checkpoint",
    )
    parser.add_argument("--device", default=None, help="cpu or cuda; by default the GPU where there is one")
    options = parser.parse_args(arguments)
    if options.limit is not None and options.limit < 0:
        parser.error("--limit must be 0 or more")
    if (options.task == "overfit") != (options.before is not None):
        parser.error("--task overfit takes --before, the other tasks do not")
    try:
        refuse_foreign_file(options.output, REPORT)
        scorer = load_scorer(options.export, options.device)
        limit = EvaluationLimits().of(options.task) if options.limit is None else options.limit
        if limit is None:
            limit = CPU_DOCUMENTS if scorer.device == "cpu" else 0
        report = run(options, scorer, limit)
    except (FileNotFoundError, ValueError, ShardError, OutputError) as error:
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
    print(f"evaluate: {options.task} written to {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
