"""Perplexity as in CCNet: 5-gram KenLM of reference text, per language, over pieces of a small BPE
trained on that text.

Belongs here: training, the cutoffs of head, middle and tail, the perplexity of one text. Does not
belong here: which group is kept, and whether the tail is worse than the rest (filtering/tail.py).

Code, formulas and tables are left out: a perplexity is of prose. The cutoffs do not come from the
pages judged, of which the tail would then be a fixed share, good or bad. They are percentiles of
reference text that the model did not learn, for each kind of document (the category of its dump): a
document is judged against its kind. A lake has text of few kinds, so perplexity_reference.yaml holds
the percentiles of each as multiples of the median over all reference text that was left out;
tools/perplexity_reference.py makes it. A kind of which the lake has OWN documents left out has
percentiles of its own.

`lmplz` is a program that `make kenlm` builds; where it is missing the artifact says so in
status.json, and documents get no perplexity. The BPE is not the project's tokenizer, whose corpus
is chosen with these scores.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import yaml

from pipelines.edits.render import rendered_texts
from pipelines.kernels.folding import folded
from pipelines.lake import LakeError, Writer
from pipelines.quality.word_pieces import WordPieces
from pipelines.signals.prose import prose_of
from pipelines.tables.inputs import DumpTables, training_inputs
from pipelines.tables.stage import Building, Stage

VERSION = 5
LANGUAGES = ("en", "zh")
REFERENCE = Path(__file__).with_name("perplexity_reference.yaml")
ORDER = 5
PIECES = 8000
CHARS = 4000  # characters of a text that are scored
MIN_DOCUMENTS = 20
CUTOFFS = {"p30": 30, "p98": 98}
"""Percentiles of reference text below which a document is head, and from which it is tail. CCNet's are
30 and 60 of the pages of a crawl; of text that is good by choice, one in fifty is tail."""
OWN = 100  # documents of a kind, or of a language, left out of training, for percentiles of its own
HELD_OUT = 10  # one document in so many of reference text is left out


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
    """LANGUAGE.bpe.json and LANGUAGE.probing for each language that reference dumps hold, card.json and
    status.json.

    The models learn nine tenths of the documents of reference dumps; the card has the cutoffs of
    each kind, and whether they are the lake's own. Where a language has fewer than OWN documents
    left out, the card and status.json warn. Stats: available, 1 where there is a model, else 0.
    """
    open_dumps = {n: d for n, d in sorted(dumps.items()) if not d.card.held_out}
    used = {n: d for n, d in open_dumps.items() if d.card.reference}
    shipped = shipped_multiples()
    lmplz = find_lmplz()
    parameters = {
        "order": ORDER,
        "pieces": PIECES,
        "chars": CHARS,
        "min_documents": MIN_DOCUMENTS,
        "own": OWN,
        "cutoffs": CUTOFFS,
        "multiples": shipped,
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
            texts = _training_texts(used)
            card["languages"] = {
                code: _train_language(writer, lmplz, code, texts[code], shipped.get(code, {}))
                for code in LANGUAGES
            }
        available = int(any(e["available"] for e in card["languages"].values()))
        missing = sorted({e["reason"] for e in card["languages"].values() if not e["available"]})
        writer.write_json("card.json", card)
        warnings = [e["warning"] for e in card["languages"].values() if e.get("warning")]
        status = {"available": bool(available), "missing": missing, "warnings": warnings}
        text = json.dumps(status, indent=1, sort_keys=True) + "\n"
        writer.write_bytes("status.json", text.encode(), {"available": available})

    return Stage("perplexity_models", VERSION, compute, parameters=parameters, inputs=training_inputs(used))


def shipped_multiples() -> dict[str, dict[str, dict[str, float]]]:
    """By language and kind: each percentile of CUTOFFS, as a multiple of the median perplexity of
    reference text that a model did not learn."""
    card: dict[str, Any] = yaml.safe_load(REFERENCE.read_text(encoding="utf-8"))
    return {
        code: {kind: {name: float(entry[name]) for name in CUTOFFS} for kind, entry in kinds.items()}
        for code, kinds in card["languages"].items()
    }


def _training_texts(dumps: Mapping[str, DumpTables]) -> dict[str, list[tuple[str, str]]]:
    """(kind, rendered text) of the training side by language, in the order of the dumps."""
    from pipelines.signals import language

    texts: dict[str, list[tuple[str, str]]] = {code: [] for code in LANGUAGES}
    for tables in dumps.values():
        for index in range(len(tables.documents.parts)):
            side = tables.documents.read_part(index, ["side"])["side"]
            train = pc.equal(side, "train").combine_chunks()
            found = rendered_texts(tables.documents, tables.edits, index).filter(train).to_pylist()
            codes = language.measure_language(found)["language"].to_pylist()
            for text, code in zip(found, codes, strict=True):
                if code in texts:
                    texts[code].append((tables.card.category, text))
    return texts


def _train_language(
    writer: Writer,
    lmplz: Path,
    code: str,
    texts: list[tuple[str, str]],
    multiples: Mapping[str, Mapping[str, float]],
) -> dict[str, Any]:
    """Train BPE and 5-gram model of one language, and write them; the card's entry for it."""
    if len(texts) < MIN_DOCUMENTS:
        return {
            "available": False,
            "reason": f"{len(texts)} {code} documents in reference dumps: {MIN_DOCUMENTS} are needed",
        }
    held, used = texts[::HELD_OUT], [text for i, (_, text) in enumerate(texts) if i % HELD_OUT]
    with tempfile.TemporaryDirectory() as folder:
        for path in train_files(Path(folder), lmplz, code, used):
            writer.add_file(path.name, path)
        values: dict[str, list[float]] = {}
        for kind, text in held:
            values.setdefault(kind, []).append(perplexity_of(folder, code, text))
        _models.cache_clear()  # the folder goes away
    entry: dict[str, Any] = {"available": True, "documents": len(used), "left_out": len(held)}
    if len(held) < OWN:
        entry["warning"] = (
            f"{len(held)} {code} documents of reference text were left out of training, and {OWN} are needed"
            " for steady percentiles: add reference dumps"
        )
    return entry | cutoffs(values, multiples)


def cutoffs(
    values: Mapping[str, list[float]], multiples: Mapping[str, Mapping[str, float]]
) -> dict[str, Any]:
    """The median perplexity of reference text that was left out, and `kinds`: the percentiles of
    CUTOFFS by kind, with `over` for what they are of.

    `values` are the perplexities of that text by kind. A kind with OWN of them has percentiles of
    its own, another the shipped `multiples` of the median.
    """
    median = float(np.median([v for kind in values.values() for v in kind]))
    kinds: dict[str, dict[str, Any]] = {}
    for kind in sorted({*values, *multiples}):
        mine = values.get(kind, [])
        if len(mine) >= OWN:
            found = {name: float(np.percentile(mine, p)) for name, p in CUTOFFS.items()}
        elif kind in multiples:
            found = {name: median * times for name, times in multiples[kind].items()}
        else:
            continue
        over = "reference text of the lake" if len(mine) >= OWN else REFERENCE.name
        kinds[kind] = {name: round(value, 2) for name, value in found.items()} | {"over": over}
    return {"median": round(median, 2), "kinds": kinds}


def train_files(folder: Path, lmplz: Path, code: str, used: list[str]) -> tuple[Path, Path]:
    """CODE.bpe.json and CODE.probing of the texts, in `folder`."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.BpeTrainer(
        vocab_size=PIECES, special_tokens=["<unk>"], show_progress=False, max_token_length=16
    )
    tokenizer.train_from_iterator((line for t in used for line in _lines(t)), trainer)
    vocabulary, corpus, arpa, table = (
        folder / name for name in (f"{code}.bpe.json", "corpus", "arpa", f"{code}.probing")
    )
    tokenizer.save(str(vocabulary))
    pieces = WordPieces(tokenizer)
    with corpus.open("w", encoding="utf-8") as stream:
        for text in used:
            stream.writelines(f"{line}\n" for line in pieces.of_lines(_lines(text)))
    learn = ["-o", str(ORDER), "-S", "20%", "-T", str(folder), "--discount_fallback"]
    learn += ["--skip_symbols"]  # text that says <unk> or <s> is read without it
    learn += ["--text", str(corpus), "--arpa", str(arpa)]
    _run([str(lmplz), *learn], f"{len(used)} {code} documents")
    # A hash table is read in place and shared by all workers of a host, where ARPA would be parsed by
    # each. A trie is half as large, and scoring takes twice as long.
    binary = str(lmplz.with_name("build_binary"))
    _run([binary, "probing", str(arpa), str(table)], f"the {code} model")
    return vocabulary, table


def _run(command: list[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LakeError(f"{Path(command[0]).name} failed on {what}: {done.stderr.strip()[-500:]}")


def _lines(text: str) -> list[str]:
    prose = prose_of(text[:CHARS]).text
    (form,) = folded([prose if prose.strip() else text[:CHARS]], zeros=True)
    return [" ".join(words) for line in form.split("\n") if (words := line.split())]


@lru_cache(maxsize=4)
def _models(folder: str, code: str) -> tuple[WordPieces, Any]:
    import kenlm
    from tokenizers import Tokenizer

    # Workers share the processors by parts: threads of a worker would only wait for each other.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    tokenizer = Tokenizer.from_file(str(Path(folder, f"{code}.bpe.json")))
    return WordPieces(tokenizer), kenlm.Model(str(Path(folder, f"{code}.probing")))


def perplexity_of(folder: str, code: str, text: str) -> float:
    """10 ^ (-log10 p / pieces) over the text's lines, line ends counted, as in CCNet."""
    pieces, model = _models(folder, code)
    total, count = 0.0, 0
    for line in pieces.of_lines(_lines(text)):
        total += model.score(line)
        count += line.count(" ") + 2
    return float(10.0 ** min(-total / count, 30.0)) if count else float("inf")
