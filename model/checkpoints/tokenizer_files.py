"""The tokenizer of an export, as every transformers from 4.44 on reads it.

Belongs here: tokenizer.json, its form for older libraries, tokenizer_config.json. Does not belong
here: building a vocabulary (pipelines/tokenizer), config.json and weights (export.py).

Our pieces hold spaces. Before tokenizers 0.20 (transformers 4.45) a merge was one string with a
space between its halves, so that there pieces have another character in the place of a space, and
the tokenizer puts it in and takes it out: ids are equal, and texts come back as they were unless
they hold that character. transformers picks the file by the version in its name
(`fast_tokenizer_files`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from model.checkpoints.manifest import write_json
from pipelines.lake.atomic import write_whole

CONTROL = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
"""Our control pieces (pipelines/cards/tokenizer.py) under Hugging Face's names."""
EXACT, OLDER, NEWER = "tokenizer.json", "tokenizer.4.0.json", "tokenizer.4.45.json"
SPACE = "\U0010fffd"
"""Stands for a space in the older form: the last character of private use."""


def write_tokenizer(tokenizer: Path, context: int, folder: Path) -> dict[str, int]:
    """Write the tokenizer's files; returns the ids of the control pieces that it has, as
    config.json names them. FileNotFoundError without the file."""
    if not tokenizer.is_file():
        raise FileNotFoundError(
            f"{tokenizer} does not exist: a model without its tokenizer cannot be used, bring the file back"
        )
    text = tokenizer.read_text(encoding="utf-8")
    value = json.loads(text)
    vocabulary = value["model"]["vocab"] | {t["content"]: t["id"] for t in value.get("added_tokens", [])}
    named = {name: piece for name, piece in CONTROL.items() if piece in vocabulary}
    config: dict[str, Any] = {
        **named,
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": context,
        "clean_up_tokenization_spaces": False,  # texts come back as they were
    }
    files = {EXACT: text}
    if (older := older_form(value)) is not None:
        files |= {OLDER: json.dumps(older, ensure_ascii=False), NEWER: text}
        config["fast_tokenizer_files"] = sorted(files)
    for name, content in files.items():
        write_whole(folder / name, content)
    write_json(folder / "tokenizer_config.json", config)
    return {f"{n}_id": vocabulary[p] for n, p in named.items() if n != "unk_token"}


def older_form(value: dict[str, Any]) -> dict[str, Any] | None:
    """A tokenizer.json whose merges are strings, with equal ids; None where it needs none, or
    cannot have one (a piece with the stand-in, or a normalizer of its own)."""
    model = value["model"]
    merges = model.get("merges", [])
    if not merges or isinstance(merges[0], str) or value.get("normalizer"):
        return None
    if any(SPACE in piece for piece in model["vocab"]):
        return None
    spaces = {
        "type": "Metaspace",
        "replacement": SPACE,
        "prepend_scheme": "never",
        "split": False,
    }
    back = {"type": "Replace", "pattern": {"String": SPACE}, "content": " "}
    before, after = value.get("pre_tokenizer"), value.get("decoder")
    return value | {
        "model": model
        | {
            "vocab": {p.replace(" ", SPACE): i for p, i in model["vocab"].items()},
            "merges": [" ".join(p.replace(" ", SPACE) for p in pair) for pair in merges],
        },
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [*([before] if before else []), spaces]},
        "decoder": {"type": "Sequence", "decoders": [back, *([after] if after else [])]},
    }
