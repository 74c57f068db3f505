"""Perplexity as in CCNet: 5-gram KenLM of reference text, per language, over pieces of a small BPE
trained on that text.

Belongs here: training, the cutoffs of head, middle and tail, the perplexity of one text. Does not
belong here: which group is kept.

`lmplz` is a program that `make kenlm` builds; where it is missing the artifact says so in
status.json, and documents get no perplexity. The BPE is not the project's tokenizer, whose corpus
is chosen with these scores.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc

from pipelines.edits.render import rendered_texts
from pipelines.lake import LakeError, Writer
from pipelines.tables.inputs import DumpTables, training_inputs
from pipelines.tables.stage import Building, Stage

VERSION = 3
LANGUAGES = ("en", "zh")
ORDER = 5
PIECES = 8000
CHARS = 4000  # characters of a text that are scored
MIN_DOCUMENTS = 20
CUTOFFS = {"p30": 30, "p60": 60}  # percentiles, as in CCNet
SAMPLE = 2_000  # pages of a language whose percentiles are taken
KNOWN = 200_000  # words whose pieces a process remembers
_DIGIT = re.compile(r"\d")
PAGES = "webpages"  # the category they are of


def find_lmplz() -> Path | None:
    """The program lmplz, with build_binary beside it: in SKYPILE_KENLM_BIN, in .cache/kenlm/bin of
    the project, or on PATH."""
    folders = [
        os.environ.get("SKYPILE_KENLM_BIN", ""),
        str(Path(__file__).resolve().parents[2] / ".cache/kenlm/bin"),
    ]
    if found := shutil.which("lmplz"):
        folders.append(str(Path(found).parent))
    for folder in filter(None, folders):
        if all(os.access(Path(folder, program), os.X_OK) for program in ("lmplz", "build_binary")):
            return Path(folder, "lmplz")
    return None


def perplexity_models_stage(dumps: Mapping[str, DumpTables]) -> Stage:
    """LANGUAGE.bpe.json and LANGUAGE.trie for each language that reference dumps hold, card.json and
    status.json.

    The models learn reference text; head, middle and tail are percentiles over a sample of the web
    pages of `dumps`, as CCNet's are over a crawl: percentiles of the reference text itself would
    call almost every page tail. Where a language has too few web pages, they are taken over a tenth
    of its reference text that the model has not learned, and the card says so. Stats: available, 1
    where there is a model, else 0.
    """
    open_dumps = {n: d for n, d in sorted(dumps.items()) if not d.card.held_out}
    reference = {n: d for n, d in open_dumps.items() if d.card.reference}
    pages = {n: d for n, d in open_dumps.items() if d.card.category == PAGES and not d.card.reference}
    used = reference | pages
    lmplz = find_lmplz()
    parameters = {
        "order": ORDER,
        "pieces": PIECES,
        "chars": CHARS,
        "min_documents": MIN_DOCUMENTS,
        "sample": SAMPLE,
        "cutoffs": CUTOFFS,
        "lmplz": lmplz is not None,
    }

    def compute(building: Building) -> None:
        writer = building.writer
        training = {
            n: {"documents": d.documents.content_hash, "edits": d.edits.content_hash} for n, d in used.items()
        }
        card: dict[str, Any] = {
            "asset": "perplexity_models",
            "parameters": parameters,
            "training": training,
            "languages": {},
        }
        if lmplz is None:
            reason = (
                "lmplz is missing: run `make kenlm`, or set SKYPILE_KENLM_BIN to the folder that holds it"
            )
            card["languages"] = {code: {"available": False, "reason": reason} for code in LANGUAGES}
        else:
            texts, sample = _training_texts(reference), _training_texts(pages, SAMPLE)
            card["languages"] = {
                code: _train_language(writer, lmplz, code, texts[code], sample[code]) for code in LANGUAGES
            }
        available = int(any(e["available"] for e in card["languages"].values()))
        missing = sorted({e["reason"] for e in card["languages"].values() if not e["available"]})
        writer.write_json("card.json", card)
        status = {"available": bool(available), "missing": missing}
        text = json.dumps(status, indent=1, sort_keys=True) + "\n"
        writer.write_bytes("status.json", text.encode(), {"available": available})

    return Stage("perplexity_models", VERSION, compute, parameters=parameters, inputs=training_inputs(used))


def _training_texts(dumps: Mapping[str, DumpTables], most: int | None = None) -> dict[str, list[str]]:
    """Rendered texts of the training side by language: all in the order of the dumps, or the `most`
    of smallest ids."""
    from pipelines.signals import language

    texts: dict[str, list[tuple[bytes, str]]] = {code: [] for code in LANGUAGES}
    for tables in dumps.values():
        for index in range(len(tables.documents.parts)):
            metadata = tables.documents.read_part(index, ["doc_id", "side"])
            train = pc.equal(metadata["side"], "train").combine_chunks()
            found = rendered_texts(tables.documents, tables.edits, index).filter(train).to_pylist()
            ids = metadata["doc_id"].filter(train).to_pylist()
            for identity, text, code in zip(
                ids, found, language.measure_language(found)["language"].to_pylist(), strict=True
            ):
                if code in texts:
                    texts[code].append((identity, text))
            if most is not None:
                texts = {code: sorted(rows)[:most] for code, rows in texts.items()}
    return {code: [text for _, text in rows] for code, rows in texts.items()}


def _train_language(
    writer: Writer, lmplz: Path, code: str, texts: list[str], pages: list[str]
) -> dict[str, Any]:
    """Train BPE and 5-gram model of one language on nine tenths of its texts; the cutoffs come from
    `pages`, or else from the tenth."""
    held, used = texts[::10], [t for i, t in enumerate(texts) if i % 10]
    of_pages = len(pages) >= MIN_DOCUMENTS
    if len(texts) < MIN_DOCUMENTS:
        return {
            "available": False,
            "reason": f"{len(texts)} {code} documents in reference dumps: {MIN_DOCUMENTS} are needed",
        }
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.BpeTrainer(
        vocab_size=PIECES, special_tokens=["<unk>"], show_progress=False, max_token_length=16
    )
    tokenizer.train_from_iterator((line for t in used for line in _lines(t)), trainer)
    with tempfile.TemporaryDirectory() as folder:
        vocabulary, corpus, arpa, trie = (
            Path(folder, name) for name in (f"{code}.bpe.json", "corpus", "arpa", f"{code}.trie")
        )
        tokenizer.save(str(vocabulary))
        pieces = _Pieces(tokenizer)
        with corpus.open("w", encoding="utf-8") as stream:
            for text in used:
                stream.writelines(f"{line}\n" for line in pieces.of_lines(_lines(text)))
        learn = [
            "-o",
            str(ORDER),
            "-S",
            "20%",
            "-T",
            folder,
            "--discount_fallback",
            "--skip_symbols",  # text that says <unk> or <s> is read without it
            "--text",
            str(corpus),
            "--arpa",
            str(arpa),
        ]
        _run([str(lmplz), *learn], f"{len(used)} {code} documents")
        # A trie is read in place and shared by all workers of a host; ARPA would be parsed by each
        # of them.
        _run(
            [
                str(lmplz.with_name("build_binary")),
                "-T",
                str(Path(folder, "sort")),
                "trie",
                str(arpa),
                str(trie),
            ],
            f"the {code} model",
        )
        values = [perplexity_of(folder, code, text) for text in (pages if of_pages else held)]
        _models.cache_clear()  # the folder goes away
        writer.add_file(vocabulary.name, vocabulary)
        writer.add_file(trie.name, trie)
    cutoffs = {name: round(float(np.percentile(values, p)), 2) for name, p in CUTOFFS.items()}
    return {
        "available": True,
        "documents": len(used),
        "cutoffs_over": PAGES if of_pages else "reference text left out",
        "sample": len(values),
        **cutoffs,
    }


def _run(command: list[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LakeError(f"{Path(command[0]).name} failed on {what}: {done.stderr.strip()[-500:]}")


def _lines(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKC", text[:CHARS]).lower()
    folded = (
        _DIGIT.sub("0", folded) if folded.isascii() else _other_digits().sub("0", _DIGIT.sub("0", folded))
    )
    return [" ".join(words) for line in folded.split("\n") if (words := line.split())]


@cache
def _other_digits() -> re.Pattern[str]:
    """Digits that are no decimal ones and that NFKC leaves as they are, such as the circled negative."""
    others = (c for c in map(chr, range(sys.maxunicode + 1)) if c.isdigit() and not c.isdecimal())
    return re.compile(f"[{''.join(c for c in others if unicodedata.normalize('NFKC', c) == c)}]")


class _Pieces(dict[str, str]):
    """The pieces of a word, with spaces between. Words are encoded apart, so that a word is encoded once
    as long as it is remembered; a run of Han is a word too, and seldom comes again."""

    def __init__(self, tokenizer: Any) -> None:
        super().__init__()
        self.tokenizer = tokenizer
        pieces = (tokenizer.id_to_token(number) for number in range(tokenizer.get_vocab_size()))
        self.names = [piece.replace(" ", "▁") for piece in pieces]

    def of_lines(self, lines: Sequence[str]) -> list[str]:
        """The pieces of each line."""
        words = [line.split(" ") for line in lines]
        if len(self) > KNOWN:
            self.clear()
        new = sorted({word for line in words for word in line if word not in self})
        # The fast encoding gives numbers alone, without places in the text.
        encoded = self.tokenizer.encode_batch_fast(new, add_special_tokens=False)
        for word, found in zip(new, encoded, strict=True):
            self[word] = " ".join(map(self.names.__getitem__, found.ids))
        return [" ".join(map(self.__getitem__, line)) for line in words]


@lru_cache(maxsize=4)
def _models(folder: str, code: str) -> tuple[_Pieces, Any]:
    import kenlm
    from tokenizers import Tokenizer

    # Workers share the processors by parts: threads of a worker would only wait for each other.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    tokenizer = Tokenizer.from_file(str(Path(folder, f"{code}.bpe.json")))
    return _Pieces(tokenizer), kenlm.Model(str(Path(folder, f"{code}.trie")))


def perplexity_of(folder: str, code: str, text: str) -> float:
    """10 ^ (-log10 p / pieces) over the text's lines, line ends counted, as in CCNet."""
    pieces, model = _models(folder, code)
    total, count = 0.0, 0
    for line in pieces.of_lines(_lines(text)):
        total += model.score(line)
        count += line.count(" ") + 2
    return float(10.0 ** min(-total / count, 30.0)) if count else float("inf")
