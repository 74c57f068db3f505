"""The sample: real pages with free licences, packed as dumps, so that the whole graph runs on any
machine.

Belongs here: which page goes into which dump, cards, held pairs for leakage. Does not belong here:
where pages come from (sample_sources.py), anything a real dump needs (pipelines/dumps/).

Same packages, same bytes: dates are fixed, record ids are hashes, choices go by hash.
"""

from __future__ import annotations

import json
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from jobs.demo.pack import write_jsonl, write_warc
from jobs.demo.sample_sources import (
    PAIRS,
    crawl_sources,
    package_sources,
    packages_in,
    sha256,
    share,
    standard_library,
)
from pipelines.cards.dump import DumpCard
from pipelines.extraction.side import side, split_by
from pipelines.lake import LakeError, digest

VERSION = 2
CODE_FILES = 200
CRAWLS = {
    "sample-web-a": "2023-04-01T00:00:00Z",
    "sample-web-b": "2023-06-01T00:00:00Z",
    "sample-reference": "2023-02-01T00:00:00Z",
}
VALIDATION_SHARE = 0.06


def _pair_url(text: str) -> str:
    return f"https://pairs.sample.invalid/{digest(text)}"


def _card(lake: Path, name: str, kind: Any, pattern: str, **fields: Any) -> Path:
    card = DumpCard(
        name=name,
        kind=kind,
        uris=(f"inputs/dumps/{name}/{pattern}",),
        validation_share=VALIDATION_SHARE,
        **fields,
    )
    path = lake / "cards" / "dumps" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(
        card.model_dump(mode="json", exclude_defaults=True), sort_keys=False, allow_unicode=True
    )
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
    return path


def _cards(lake: Path) -> list[Path]:
    pages = {"kind": "warc", "pattern": "*.warc.gz"}
    rows = {"kind": "jsonl", "pattern": "*.jsonl.gz"}
    free = "free documentation of Debian packages, see inputs/sample/sources.json"
    return [
        _card(lake, "sample-web-a", **pages, group="host/2", licence=free, date=CRAWLS["sample-web-a"]),
        _card(lake, "sample-web-b", **pages, group="host/2", licence=free, date=CRAWLS["sample-web-b"]),
        _card(lake, "sample-code", **rows, category="code", group="module", licence="PSF-2.0"),
        _card(
            lake,
            "sample-reference",
            **pages,
            category="encyclopedia",
            group="host/1",
            reference=True,
            licence=free,
            date=CRAWLS["sample-reference"],
        ),
        _card(lake, "sample-pairs", **rows, category="stem", group="group", licence="PSF-2.0 and MPL-2.0"),
    ]


def make_sample(lake_root: Path, cache: Path, progress: Callable[[str], object] = print) -> list[Path]:
    """Make the sample dumps in `lake_root` and return their cards. What is there and unchanged is
    not made again.

    Raises LakeError where the packages cannot be had.
    """
    lake = Path(lake_root)
    record = lake / "inputs" / "sample" / "sources.json"
    if record.exists():
        old = json.loads(record.read_text(encoding="utf-8"))
        if old.get("version") == VERSION and all(
            (lake / f).is_file() and sha256(lake / f) == h for f, h in old["files"].items()
        ):
            return _cards(lake)
    code = standard_library()
    try:
        debs = packages_in(cache, progress)
    except LakeError as no_packages:
        sources = crawl_sources(cache, str(no_packages), code, progress)
    else:
        sources = package_sources(debs, code)
    pairs, web, sections, packages, held = (
        sources.pairs,
        sources.web,
        sources.reference,
        sources.packages,
        sources.held,
    )
    inputs = lake / "inputs" / "dumps"
    counts = {}
    for name, low, high in (
        ("sample-web-a", 0.0, 0.62),
        ("sample-web-b", 0.45, 1.0),
    ):  # both hold what lies between
        chosen = [p for p in web if low <= share("crawl", p.url) < high]
        half = len(chosen) // 2
        for number, part in enumerate((chosen[:half], chosen[half:])):
            write_warc(inputs / name / f"{name}-{number:05d}.warc.gz", part, CRAWLS[name])
        counts[name] = {"pages": len(chosen), "zh": sum(p.language == "zh" for p in chosen)}
    write_warc(
        inputs / "sample-reference" / "sample-reference-00000.warc.gz", sections, CRAWLS["sample-reference"]
    )
    counts["sample-reference"] = {"pages": len(sections), "zh": sum(p.language == "zh" for p in sections)}
    files = sorted((f for f in code if f[0] not in held), key=lambda f: share("code", f[1]))[:CODE_FILES]
    rows = [
        {"url": f"https://docs.python-stdlib.invalid/Lib/{n}", "module": m, "title": n, "text": t}
        for m, n, t in sorted(files, key=lambda f: f[1])
    ]
    counts["sample-code"] = {
        "pages": write_jsonl(inputs / "sample-code" / "sample-code-00000.jsonl.gz", rows),
        "zh": 0,
    }
    train = [
        {
            "url": _pair_url(text),
            "group": group,
            "language": "zh" if text.startswith("问题") else "en",
            "text": text,
        }
        for group, text in pairs["train"]
    ]
    write_jsonl(inputs / "sample-pairs" / "sample-pairs-00000.jsonl.gz", train)
    counts["sample-pairs"] = {"pages": len(train), "zh": sum(row["language"] == "zh" for row in train)}
    card = DumpCard.load(next(p for p in _cards(lake) if p.stem == "sample-pairs"))
    by = split_by((group for group, _ in pairs["train"]), card)
    # only what is really trained on
    pairs["train"] = [
        (group, text) for group, text in pairs["train"] if side(group, _pair_url(text), card, by) == "train"
    ]
    for name, chosen_pairs in pairs.items():
        write_jsonl(
            lake / "inputs" / "leakage" / f"{name}.jsonl",
            [{"text": text} for _, text in chosen_pairs],
            compress=False,
        )
    made = sorted(
        [*inputs.glob("sample-*/*.gz"), *(lake / "inputs" / "leakage" / f"{n}.jsonl" for n in PAIRS)]
    )
    packages["python-stdlib"] = {
        "file": sysconfig.get_python_version(),
        "licence": "PSF-2.0",
        "pages": len(code),
    }
    value = {
        "version": VERSION,
        "packages": packages,
        "dumps": counts,
        "files": {p.relative_to(lake).as_posix(): sha256(p) for p in made},
    }
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(
        json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    total = sum(c["pages"] for c in counts.values())
    progress(
        f"sample: {total:,} documents in {len(counts)} dumps, "
        f"{sum(c['zh'] for c in counts.values()) / total:.0%} Chinese"
    )
    return _cards(lake)
