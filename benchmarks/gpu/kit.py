"""`python -m benchmarks.gpu.kit --corpus FOLDER`: what a GPU machine without a network needs, in
`.gpu/`: wheels that it may lack, and the token shards of shares.py. About 45 MB.

Belongs here: filling that folder. Does not belong here: using it (tools/gpu.sh installs the wheels,
shares.py reads the shards). What builds shards is imported where it is used: a GPU machine need not
have it."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import zstandard

from experiments.two_stages.config import TwoStages

KIT = Path(".gpu")
WHEELS, TEXT = KIT / "wheels", KIT / "text"
PURE = ("deepspeed",)
"""Published as source alone: built here, without its compiled operators."""
BINARY = (
    "hjson",
    "pydantic",
    "pydantic-core",
    "pydantic-settings",
    "annotated-types",
    "typing-inspection",
    "python-dotenv",
    "tenacity",
    "zstandard",
)
"""Beside torch, transformers, numpy and pyarrow, which an image for GPUs has."""
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")


def fetch_wheels(python: str) -> None:
    """Wheels in this environment's versions for another Python on x86-64."""
    WHEELS.mkdir(parents=True, exist_ok=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    pinned = {name: f"{name}=={importlib.metadata.version(name)}" for name in PURE + BINARY}
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(WHEELS), *(pinned[n] for n in PURE)],
        check=True,
        env=os.environ | {"DS_BUILD_OPS": "0"},
    )
    only = ["--no-deps", "--only-binary=:all:", "--python-version", python, "--implementation", "cp"]
    for platform in PLATFORMS:
        only += ["--platform", platform]
    subprocess.run([*pip, "download", *only, "-d", str(WHEELS), *(pinned[n] for n in BINARY)], check=True)


def write_text(corpus: Path, config: TwoStages) -> None:
    """The experiment's shards and tokenizer, with `paths.json` of where they are."""
    from experiments.two_stages.corpus import prepare
    from pipelines.lake import Lake

    with tempfile.TemporaryDirectory() as folder:
        built = prepare(Lake(Path(folder) / "lake"), corpus, config)
        shutil.rmtree(TEXT, ignore_errors=True)
        TEXT.mkdir(parents=True)
        names = {}
        for key, path in built.items():
            names[key] = key if Path(path).is_dir() else Path(path).name
            copy = shutil.copytree if Path(path).is_dir() else shutil.copyfile
            copy(path, TEXT / names[key])
        (TEXT / "paths.json").write_text(json.dumps(names, indent=1))


def sample_corpus(out: Path, config: TwoStages) -> dict[str, str]:
    """Shards of sums (STEM) and of word salad (web), for a dry run; paths as `prepare` gives
    them."""
    from experiments.two_stages.corpus import prepare
    from pipelines.lake import Lake

    draw = random.Random(1)
    words = ["the", "river", "house", "old", "green", "walks", "under", "light", "今天", "我们", "学习"]
    for domain, of in (("web", 0), ("stem", 1)):
        (out / "corpus" / domain).mkdir(parents=True)
        with zstandard.open(out / "corpus" / domain / "part.jsonl.zst", "wt", encoding="utf-8") as lines:
            for i in range(200):
                numbers = [(draw.randrange(50), draw.randrange(50)) for _ in range(20)]
                sums = " ".join(f"{a} + {b} = {a + b}." for a, b in numbers)
                text = sums if of else " ".join(draw.choices(words, k=60))
                lines.write(json.dumps({"text": text, "lang": "en" if i % 2 else "zh"}) + "\n")
    return prepare(Lake(out / "lake"), out / "corpus", config)


def main() -> None:
    """Fill the folder."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu.kit", description=__doc__)
    parser.add_argument(
        "--corpus",
        type=Path,
        help="a folder of <domain>/<name>.jsonl.zst with the fields lang and text; without it no shards"
        " are written, and shares.py is left out",
    )
    parser.add_argument("--python", default="3.12", help="of the GPU machine")
    arguments = parser.parse_args()
    fetch_wheels(arguments.python)
    if arguments.corpus:
        write_text(arguments.corpus, TwoStages.load(Path(__file__).with_name("shares.yaml")))
    size = sum(f.stat().st_size for f in KIT.rglob("*") if f.is_file())
    print(f"{KIT}: {size / 1e6:.0f} MB; carry it beside the checkout and run `make gpu` there")


if __name__ == "__main__":
    main()
