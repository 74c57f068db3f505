from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.rules import read_texts
from pipelines.signals.code import DATA_TYPES, file_type, measure_code
from pipelines.tables.schemas import document_id
from tests.support.time_bounds import assert_linear


@pytest.mark.parametrize(
    ("url", "text", "expected"),
    [
        ("https://x.invalid/a/b.py?raw=1", "", "python"),
        ("https://x.invalid/Makefile", "", "makefile"),
        ("https://x.invalid/README", '#include <stdio.h>\nint main() {}', "c"),
        ("", '{"a": [1, 2]}', "json"),
        ("", "<?xml version='1.0'?><a/>", "xml"),
        ("", "<!DOCTYPE html>\n<html>", "html"),
        ("", "# notes\nname: x\nitems:\n  - a\n", "yaml"),
        ("", "#!/bin/bash\nls", "shell"),
        ("", "import os\n\ndef main():\n    pass\n", "python"),
        ("https://x.invalid/file.weird", "just a few words of prose, and no code", ""),
    ],
)  # fmt: skip
def test_types_by_extension_then_content(url: str, text: str, expected: str) -> None:
    assert file_type(url, text) == expected


def test_real_python_is_python_without_its_name(shared_data: Path) -> None:
    texts = read_texts(shared_data / "corpus", 60)[0]
    python = [t for t in texts if "\ndef " in t and "import " in t]
    found = [file_type("", t) for t in python[:40]]
    assert found.count("python") >= 0.8 * len(found)


def test_data_files_are_drawn_evenly_and_by_id_alone() -> None:
    ids = [document_id("d", "f", i) for i in range(4000)]
    rows = measure_code(
        ['{"a": 1}'] * 4000, [f"https://x.invalid/{i}.json" for i in range(4000)], ["code"] * 4000, ids
    ).to_pylist()
    kept = sum(r["data_rank"] <= 0.2 for r in rows)
    assert 720 <= kept <= 880 and all(0 <= r["data_rank"] < 1 for r in rows)
    again = measure_code(["other"], ["https://elsewhere.invalid/x.xml"], ["code"], ids[:1]).to_pylist()[0]
    assert again["data_rank"] == rows[0]["data_rank"] and again["file_type"] in DATA_TYPES


def test_pages_have_no_type_and_generated_files_are_marked() -> None:
    page = measure_code(["<html>"], [None], ["webpages"], [b"a" * 16]).to_pylist()[0]
    assert set(page.values()) == {None}
    rows = measure_code(
        ["// DO NOT EDIT\npackage x"], ["https://x.invalid/x.go"], ["code"], [b"a" * 16]
    ).to_pylist()
    assert rows == [{"file_type": "go", "unknown": 0, "data_rank": None, "generated": 1}]


@pytest.mark.parametrize(
    ("before", "unit"),
    [
        *[
            ("", unit)
            for unit in (
                "\n",
                " \n",
                "#\n",
                "\n\n#",
                "a:",
                "a: b\n",
                "<a>x",
                "<!---->",
                "import a",
                "class a:\n\n",
            )
        ],
        *[
            ("def x", "a"),
            ("def x:", " :"),
            ("<a ", " "),
            ("<a>", "</a"),
            ('{"', "\n"),
            ("---\n", " "),
            ("#!", "sh"),
        ],
    ],
)
def test_any_head_is_read_in_linear_time(before: str, unit: str) -> None:
    """Files of 2,000 characters each, all of which fit no type, or one that is found late."""

    def types(text: str) -> None:
        for at in range(0, len(text), 1900):
            file_type("", before + text[at : at + 1900] + "?")

    assert_linear(types, unit)
