"""Formulas, code blocks and table rows that survive the reading of a page, against gold.

Run: python -m benchmarks.extraction_structure [--worst N] [--data ../shared/data]. The gold of each
page (extraction-gold/structure-dev.jsonl.zst) lists its formulas as TeX, its code blocks and its
tables; a machine made it, so that some entries are wrong (DOUBTED). A formula counts where the text holds it
between dollar signs, as often as the gold; code where its lines stand in the text one after
another, indentation included; a row where one line of the text holds all of its cells and nothing
else. Spaces, grouping braces, the sizes of brackets and second names of a sign do not count in TeX.
"""

from __future__ import annotations

import argparse
import html
import io
import json
import platform
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines.extraction.page import extract

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
GOLD = Path("extraction-gold") / "structure-dev.jsonl.zst"
GOAL = {"formula_recall": 0.95, "code_exact": 0.95, "table_rows": 0.90}
# Entries of the gold that are wrong: page, kind, pattern of its entries, what is wrong. They count, and
# the figures ending in _sound leave them out.
DOUBTED = (
    ("math_img_3", "code", r"Wrote:|solution$|mathstack$", "quotes of a forum (class mycode_quote)"),
    (
        "code_5",
        "code",
        r"\S  \S|^String$",
        "cells of a table, joined by two spaces or without the first word",
    ),
    ("code_19_codecademy", "code", r"\n\n\n", "an empty line's newline and element counted twice"),
    ("code_5", "row", "", "cells without the description that the page shows in them"),
    (
        "math_mathjax_asciimath_1",
        "formula",
        r"\\setminus|\\mathrm",
        "spaces as \\setminus, dx and `and` as \\mathrm",
    ),
    ("math_mathjax_mathml_1", "formula", r"\\stackrel|\\genfrac|[±×]|\\mathrm", "signs left as characters"),
    ("math_mathjax_latex_5", "formula", r"\\beginsplit", "cut before its end"),
)
_FORMULA = re.compile(r"(?<!\\)(\$\$?)(.+?)(?<!\\)\1", re.DOTALL)
_NO_MEANING = re.compile(
    r"\s|[{}~]|\\(?:left|right|displaystyle|textstyle|limits|nolimits)(?![a-zA-Z])|\\[,;:! ]"
)
_LONG = {"le": r"\leq", "ge": r"\geq", "ne": r"\neq", "dots": r"\ldots"}  # two names of one sign
_SHORT = re.compile(r"\\(le|ge|ne|dots)(?![a-zA-Z])")
_ROW = re.compile(r"<tr[^>]*>(.*?)</tr>", re.DOTALL)
_CELL = re.compile(r"<t[dh][^>]*>(.*?)</t[dh]>", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_NO_CELL = re.compile(r"\s|[$\\{}*`]|displaystyle")


def bare_tex(tex: str) -> str:
    """TeX without what changes nothing but its looks."""
    rows = html.unescape(tex).split("\\\\")  # of a matrix; their end is no sign with a meaning of its own
    bare = "\\\\".join(_NO_MEANING.sub("", row) for row in rows).rstrip(".,;")
    return _SHORT.sub(lambda m: _LONG[m[1]], bare)


def formulas(text: str) -> Counter[str]:
    """The formulas between dollar signs, bare."""
    return Counter(bare_tex(m[2]) for m in _FORMULA.finditer(text))


def _code_lines(code: str) -> str:
    lines = code.replace("\xa0", " ").replace("\r\n", "\n").expandtabs(4).split("\n")
    return "\n".join(line.rstrip() for line in lines).strip("\n")


def _cells(row: str) -> str:
    cells = (_NO_CELL.sub("", html.unescape(_TAG.sub("", c))) for c in _CELL.findall(row))
    return "|".join(cell for cell in cells if cell)


def _line_cells(line: str) -> str:
    cells = (_NO_CELL.sub("", c) for c in re.split(r"(?<!\\)\|", line))
    return "|".join(cell for cell in cells if cell)


def _doubt(page: str, kind: str, entry: str) -> str:
    """Why an entry of the gold is doubted; "" where it is not."""
    reasons = (why for p, k, pattern, why in DOUBTED if page == p and kind == k and re.search(pattern, entry))
    return next(reasons, "")


def counts(text: str, gold: dict[str, Any]) -> tuple[Counter[str], list[tuple[str, str, str]]]:
    """What a text holds of a page's gold (`formula` of `all_formula`, and so on; with `_sound`, without
    the doubted entries), and what it lacks: kind, entry, why it is doubted ("": it is not)."""
    found: Counter[str] = Counter()
    missing: list[tuple[str, str, str]] = []

    def count(kind: str, entry: str, times: int, have: int) -> None:
        doubt = _doubt(gold["id"], kind, entry)
        for suffix in ("",) if doubt else ("", "_sound"):
            found[f"all_{kind}{suffix}"] += times
            found[f"{kind}{suffix}"] += have
        if have < times:
            missing.append((kind, entry, doubt))

    have = formulas(text)
    for tex, times in Counter(bare_tex(tex) for tex in [*gold["display"], *gold["inline"]]).items():
        count("formula", tex, times, min(times, have[tex]))
    lines = "\n" + _code_lines(text) + "\n"
    for code in gold["code"]:
        count("code", code, 1, f"\n{_code_lines(code)}\n" in lines)
    rows = Counter(_line_cells(line) for line in text.split("\n"))
    for table in gold["tables"]:
        for cells in filter(None, map(_cells, _ROW.findall(table or ""))):
            count("row", cells, 1, rows[cells] > 0)
    return found, missing


def gold_pages(data: Path) -> Iterator[dict[str, Any]]:
    """The pages with gold structure: id, html, display, inline, code, tables."""
    import zstandard

    with open(data / GOLD, "rb") as stream:
        for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(stream), encoding="utf-8"):
            yield json.loads(line)


def measure(data: Path, worst: int = 0) -> dict[str, float]:
    """`formula_recall`, `code_exact`, `table_rows` over all pages, with `_sound` without the doubted
    entries; prints how many of those are missing and why they are doubted, and up to `worst` other
    missing items a page."""
    total: Counter[str] = Counter()
    doubted: Counter[str] = Counter()
    for page in gold_pages(data):
        found, missing = counts(extract(page["html"]).text, page)
        total += found
        doubted.update(f"{page['id']}: {kind}: {doubt}" for kind, _, doubt in missing if doubt)
        lacking = [f"    {kind} {entry[:120]!r}" for kind, entry, doubt in missing if not doubt]
        if worst and lacking:
            print(f"{page['id']}: {dict(found)}", *lacking[:worst], sep="\n")
    for reason, times in sorted(doubted.items()):
        print(f"doubted, not found {times:4}  {reason}")
    names = {"formula_recall": "formula", "code_exact": "code", "table_rows": "row"}
    return {
        name + suffix: round(total[kind + suffix] / max(1, total[f"all_{kind}{suffix}"]), 4)
        for suffix in ("", "_sound")
        for name, kind in names.items()
    } | {f"all_{kind}s": total[f"all_{kind}"] for kind in names.values()}


def main(arguments: list[str] | None = None) -> int:
    """Print the figures and the result line; 2 where the data is absent."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--worst", type=int, default=0, help="missing items of a page that are printed")
    options = parser.parse_args(arguments)
    if not (options.data / GOLD).is_file():
        print(f"{options.data / GOLD} is not there: name a data folder with --data", file=sys.stderr)
        return 2
    metrics = measure(options.data, options.worst)
    for name, goal in GOAL.items():
        sound = f"without doubted entries {metrics[name + '_sound']:.3f}"
        print(f"{name:16}{metrics[name]:8.3f}  goal {goal}  {sound}")
    hardware = f"{platform.machine()}, {platform.python_implementation()} {platform.python_version()}"
    print(
        json.dumps(
            {
                "name": "extraction_structure",
                "metrics": metrics,
                "goal": GOAL,
                "hardware": hardware,
                "command": "python -m benchmarks.extraction_structure",
            }
        )
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
