"""`python -m experiments.two_stages.run --corpus FOLDER`: train what is missing, then print the
report.

Belongs here: the order of the steps. Does not belong here: what they do (corpus.py, trainings.py,
compare.py). A finished training is kept; an unfinished one goes on from its last checkpoint.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from experiments.two_stages.compare import report
from experiments.two_stages.config import CONFIG, TwoStages
from experiments.two_stages.trainings import train, trainings
from pipelines.lake import Lake
from pipelines.lake.outputs import continued_folder

KIND = "two-stages experiment"
"""Of the folder --out, which another experiment or anything else is not mixed with."""


def main() -> None:
    """Run what is missing, one training after another, then print the report."""
    parser = argparse.ArgumentParser(prog="python -m experiments.two_stages.run", description=__doc__)
    parser.add_argument(
        "--corpus",
        type=Path,
        required=True,
        help="a folder of <domain>/<name>.jsonl.zst with the fields lang and text",
    )
    parser.add_argument("--config", type=Path, default=CONFIG, help="sizes and arms; config.yaml beside")
    parser.add_argument("--out", type=Path, default=Path("lake/experiments/two_stages"))
    parser.add_argument("--trainings", type=int, default=0, help="stop after so many; 0 runs all")
    arguments = parser.parse_args()
    config, out = TwoStages.load(arguments.config), arguments.out
    continued_folder(out, KIND)
    known = out / "paths.json"
    if not known.exists():
        from experiments.two_stages.corpus import prepare

        known.write_text(json.dumps(prepare(Lake(out / "lake"), arguments.corpus, config)))
    paths: dict[str, str] = json.loads(known.read_text())
    os.environ |= {
        "OMP_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "DS_ACCELERATOR": os.environ.get("DS_ACCELERATOR", "cpu"),
    }
    # Once, before the forks: each training is a child of this process.
    import torch.utils.tensorboard  # noqa: F401

    import model.train  # noqa: F401

    missing = [
        training
        for seed in config.seeds
        for training in trainings(config, seed).values()
        if not training.record(out).exists()
    ]
    for training in missing[: arguments.trainings or None]:
        train(out, training, paths)
    if arguments.trainings and len(missing) > arguments.trainings:
        return
    text = report(out, config, paths)
    (out / "report.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
