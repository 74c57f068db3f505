"""Files that are slightly off are refused by file, row and column; the real archives are read
whole."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import pytest

from model.evaluate.files import FileError
from model.evaluate.questions import BENCHMARKS, SHOTS, Archive, Question, read_table

HEADER = "id,question,A,B,C,D,answer\n"
ROW = "0,1+1?,1,2,3,4,B\n"
BARE = "1+1?,1,2,3,4,B\n"


def test_a_byte_order_mark_and_columns_in_another_order_are_read() -> None:
    wanted = [Question("1+1?", ("1", "2", "3", "4"), "B")]
    assert read_table("f", ("\ufeff" + HEADER + ROW).encode(), True) == wanted
    assert read_table("f", ("\ufeff" + BARE).encode(), False) == wanted
    other = "Answer,D,C,B,A,Question,explanation\nB,4,3,2,1,1+1?,\n"
    assert read_table("f", other.encode(), True) == wanted


@pytest.mark.parametrize("letter", ["Ｂ", "b", "1", "", "(B)", "B.", "AB", "E", "Β"])
@pytest.mark.parametrize("header", [True, False])
def test_an_answer_that_is_no_letter_is_refused_by_its_cell(letter: str, header: bool) -> None:
    text = (HEADER + ROW if header else BARE * 2) + ("1," if header else "") + f"2+2?,1,2,3,4,{letter}\n"
    column = 7 if header else 6
    with pytest.raises(FileError, match=rf"file.csv, row 3, column {column} \(answer\)") as error:
        read_table("file.csv", text.encode(), header)
    assert repr(letter) in str(error.value)


@pytest.mark.parametrize(
    ("text", "header", "said"),
    [
        (HEADER.removeprefix("id,") + BARE, False, "row 1, column 6 (answer): 'answer'"),
        (BARE, True, "row 1: the header names 'question' 0 times"),
        ("question,A,A,C,D,answer\n", True, "row 1: the header names 'A' 2 times"),
        ("question,A,B,C,D\n1+1?,1,2,3,4\n", True, "names 'answer' 0 times"),
        (HEADER.replace(",", "\t") + ROW.replace(",", "\t"), True, "tab-separated"),
        (BARE.replace(",", "\t"), False, "row 1 has 1 columns, expected 6: it looks tab-separated"),
        (BARE + "1+1?,1,2,3,B\n", False, "row 2 has 5 columns, expected 6"),
        (BARE + "0," + BARE, False, "row 2 has 7 columns, expected 6"),
        (HEADER + "0,,1,2,3,4,B\n", True, "row 2, column 2 (question) is empty"),
        (HEADER + "0,q,1,2, ,4,B\n", True, "row 2, column 5 (C) is empty"),
        ("", False, "has no rows"),
        (BARE + '"open,1,2,3,4,B\n' + BARE, False, "no comma-separated table|not a comma-separated table"),
    ],
)
def test_a_table_that_is_slightly_off_is_refused(text: str, header: bool, said: str) -> None:
    with pytest.raises(FileError) as error:
        read_table("a.zip: file.csv", text.encode(), header)
    assert str(error.value).startswith("a.zip: file.csv")
    assert any(part in str(error.value) for part in said.split("|"))


def test_other_encodings_are_refused() -> None:
    for name in ("utf-16", "gb18030"):
        with pytest.raises(FileError, match=r"f is not UTF-8 \(byte \d+\)"):
            read_table("f", BARE.replace("1+1", "一加一").encode(name), False)


def archive(folder: Path, mapping: object, shots: int = SHOTS) -> Archive:
    (folder / "mmlu").mkdir()
    (folder / "mmlu" / "mapping.json").write_text(json.dumps(mapping))
    with zipfile.ZipFile(folder / "mmlu" / "mmlu.zip", "w") as files:
        files.writestr("data/test/logic_test.csv", BARE)
        files.writestr("data/dev/logic_dev.csv", BARE * shots)
    return Archive(folder, BENCHMARKS["mmlu"])


def test_a_mapping_without_a_name_and_too_few_examples_are_refused(tmp_path: Path) -> None:
    for at, (mapping, said) in enumerate(
        [
            ([], "one object"),
            ({}, "one object"),
            ({"logic": {"name": "logic"}}, "'logic': it lacks a text 'category'"),
        ]
    ):
        (tmp_path / str(at)).mkdir()
        with pytest.raises(FileError, match=re.escape(said)):
            archive(tmp_path / str(at), mapping)
    few = archive(tmp_path, {"logic": {"name": "logic", "category": "Humanities"}}, shots=3)
    with pytest.raises(FileError, match=r"logic_dev.csv has 3 rows: a prompt holds 5 examples"):
        few.examples("logic")
    few.zip.write_bytes(few.zip.read_bytes()[:-30])
    with pytest.raises(FileError, match="no zip archive"):
        Archive(tmp_path, BENCHMARKS["mmlu"])


@pytest.mark.parametrize(
    ("name", "subjects", "asked"), [("ceval", 52, 1346), ("cmmlu", 67, 11582), ("mmlu", 57, 14042)]
)
def test_real_archives_are_read_whole(shared_data: Path, name: str, subjects: int, asked: int) -> None:
    archive = Archive(shared_data / "bench", BENCHMARKS[name])
    questions = [q for s in archive.subjects for q in archive.questions(BENCHMARKS[name].asked, s)]
    assert len(archive.subjects) == subjects and len(questions) == asked
    assert {q.answer for q in questions} == set("ABCD")
    assert all(len(archive.examples(s)) == SHOTS for s in archive.subjects)
    extra = BENCHMARKS[name].extra_group
    assert extra is None or extra[1] <= set(archive.subjects)
