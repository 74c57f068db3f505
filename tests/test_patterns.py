"""Every regular expression over foreign text takes time linear in it: each is given texts made from
itself (tests/support/hostile_texts.py), so that a new one is tested where it is written.

A pattern that is only ever matched at one place, not searched for, is named in AT_A_PLACE; one whose
texts have a bound is named in BOUNDED, with the bound and what makes it one.
"""

from __future__ import annotations

import importlib
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.hostile_texts import hostile_texts

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("pipelines", "model/evaluate")
AT_A_PLACE = {
    "pipelines.dumps.arc:_HEAD",
    "pipelines.dumps.http:_CHUNK",
    "pipelines.quality.shape:_SOLUTION",
    "pipelines.quality.shape:_CHOICE",
    "pipelines.quality.shape:_CLOSING",
    "pipelines.extraction.markdown.mathml:_LENGTH",
    "pipelines.extraction.markdown.code:_AFTER_BREAK",
    "pipelines.extraction.markdown.formulas:_OPENING",
    "pipelines.extraction.markdown.tables:_HEAD",
    "pipelines.release.template_lines:ITEM",
    *(f"pipelines.extraction.blocks.asides:_{name}" for name in ("POINTER", "CALL", "FOLLOW", "GATE")),
    "pipelines.release.template_lines:ENVIRONMENT",
}
"""Used with `match` or `fullmatch` alone."""
BOUNDED = {
    "pipelines.quality.shape:_HEADING": 50,  # MAX_HEADING
    "pipelines.edits.boilerplate:_LINE": 160,  # MAX_CHARS
    "pipelines.edits.boilerplate:_LINE_WITHIN": 160,
    "pipelines.extraction.blocks.asides:_GATE": 400,  # MAX_GATE words
    "pipelines.extraction.page_metadata:_BETWEEN": 1_000,  # of a title, by _TITLE
    "pipelines.extraction.page_metadata:_CHINESE_SITE": 1_000,
    **{f"pipelines.signals.code:_CONTENT[{i}][1]": 2_000 for i in range(15)},  # the head of a file
}
"""Characters of the longest text that each is given."""
SIZES = (16, 20, 24, 28, 32, 50, 400, 2_000, 8_000)  # so that what is exponential is found in time
MAX_SECONDS = 0.05  # linear takes .002 s for 8,000 characters; what is left is for a busy machine


def modules() -> list[str]:
    """Modules with compiled patterns."""
    files = (path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py")))
    found = (path.relative_to(ROOT) for path in files if "re.compile(" in path.read_text())
    return [".".join(path.with_suffix("").parts) for path in found]


def patterns(value: Any, name: str, depth: int = 0) -> Iterator[tuple[str, re.Pattern[Any]]]:
    """The patterns of a value by name: itself, or those in its items or attributes."""
    if isinstance(value, re.Pattern):
        yield name, value
    elif depth < 3 and isinstance(value, dict):
        for key, item in value.items():
            yield from patterns(item, f"{name}[{key}]", depth + 1)
    elif depth < 3 and isinstance(value, tuple | list):
        for index, item in enumerate(value):
            yield from patterns(item, f"{name}[{index}]", depth + 1)
    elif depth == 0 and isinstance(value, type):
        for key, item in vars(value).items():
            yield from patterns(item, f"{name}.{key}", 1)


def use(pattern: re.Pattern[Any], name: str, text: Any) -> None:
    if name in AT_A_PLACE:
        pattern.match(text)
        pattern.fullmatch(text)
    else:
        for _ in pattern.finditer(text):
            pass


def slow(pattern: re.Pattern[Any], name: str) -> str:
    """What makes the pattern slow; "" where nothing does."""
    for before, unit, after in hostile_texts(pattern):
        for size in SIZES:
            size = min(size, BOUNDED.get(name, size))
            text: Any = before + unit * (size // len(unit)) + after
            if isinstance(pattern.pattern, bytes):
                text = text.encode("utf-8", "replace")
            times = []
            for _ in range(3):  # the least of three, but no second try for what is far from it
                began = time.process_time()
                use(pattern, name, text)
                times.append(time.process_time() - began)
                if times[-1] < MAX_SECONDS or times[-1] > 10 * MAX_SECONDS:
                    break
            if min(times) > MAX_SECONDS:
                return f"{name}: {before!r}, then {unit!r} to {size} characters, takes {min(times):.2f} s"
    return ""


@pytest.mark.parametrize("module", modules())
def test_every_pattern_of_a_module_takes_linear_time(module: str) -> None:
    found = importlib.import_module(module)
    wrong = []
    for key, value in list(vars(found).items()):
        if isinstance(value, type) and value.__module__ != module:
            continue
        wrong += [w for name, p in patterns(value, key) if (w := slow(p, f"{module}:{name}"))]
    assert not wrong, "not linear: " + "; ".join(wrong)


def test_the_check_finds_what_is_quadratic_cubic_and_exponential() -> None:
    for pattern in (r"\s+$", r"0*[0-9]*x", r"(?:a|aa)+$", r"<a(?:[^<>\"]|\"[^\"]*\"|\")*>"):
        assert slow(re.compile(pattern), "m:p"), pattern


def test_what_is_excepted_is_there() -> None:
    for name in {*AT_A_PLACE, *BOUNDED}:
        module, _, rest = name.partition(":")
        own = importlib.import_module(module)
        assert name in {
            f"{module}:{n}" for n, _ in patterns(vars(own)[rest.partition("[")[0]], rest.partition("[")[0])
        }
