from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.lake.outputs import (
    MARKER,
    OutputError,
    continued_folder,
    refuse_foreign,
    refuse_foreign_file,
    replace_file,
    replacing_folder,
)


def write(folder: Path, kind: str = "export", **files: str) -> None:
    with replacing_folder(folder, kind) as partial:
        for name, text in files.items():
            (partial / name).write_text(text)


def names(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir()}


def test_an_earlier_output_of_this_kind_is_replaced_as_a_whole(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, a="1", b="2")
    write(out, a="3")
    assert (out / "a").read_text() == "3" and names(out) == {"a", MARKER} and names(tmp_path) == {"out"}
    empty = tmp_path / "empty"
    empty.mkdir()
    write(empty, a="1")
    assert names(empty) == {"a", MARKER}


@pytest.mark.parametrize("kind", ["a file", "a hidden file", "an empty folder", "a broken marker"])
def test_what_a_person_keeps_there_is_refused_and_stays(tmp_path: Path, kind: str) -> None:
    out = tmp_path / "thesis"
    out.mkdir()
    if kind == "an empty folder":
        (out / "chapters").mkdir()
    else:
        name = {"a file": "thesis.tex", "a hidden file": ".git", "a broken marker": MARKER}[kind]
        (out / name).write_text("[]")
    before = names(out)
    with pytest.raises(OutputError, match=r"thesis is not empty .* name a new or empty folder"):
        write(out, a="1")
    assert names(out) == before and names(tmp_path) == {"thesis"}


def test_a_file_beside_an_earlier_output_is_named_and_stays(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, a="1")
    (out / "notes.md").write_text("mine")
    with pytest.raises(OutputError, match=r"notes\.md, which is not part of it"):
        write(out, a="2")
    assert (out / "a").read_text() == "1" and (out / "notes.md").read_text() == "mine"


def test_other_kinds_files_and_dangling_links_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "out", kind="data card", a="1")
    with pytest.raises(OutputError, match="an earlier data card, not an earlier export"):
        write(tmp_path / "out", a="1")
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="is a file"):
        write(tmp_path / "file", a="1")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(OutputError, match="a link to a folder that is not there"):
        refuse_foreign(tmp_path / "link", "export")


def test_what_fails_leaves_the_earlier_output_and_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, a="1")
    with pytest.raises(KeyboardInterrupt), replacing_folder(out, "export") as partial:
        (partial / "a").write_text("2")
        raise KeyboardInterrupt
    assert (out / "a").read_text() == "1" and names(tmp_path) == {"out"}
    with pytest.raises(OutputError), replacing_folder(out, "export") as partial:
        (out / "came later").write_text("mine")
    assert (out / "came later").read_text() == "mine" and names(tmp_path) == {"out"}


def test_what_a_killed_process_left_unfinished_is_taken_over(tmp_path: Path) -> None:
    left = tmp_path / ".tmp-export-out"
    left.mkdir()
    (left / MARKER).write_text('{"kind": "export", "files": null}')
    (left / "half").write_text("x")
    write(tmp_path / "out", a="1")
    assert names(tmp_path) == {"out"} and names(tmp_path / "out") == {"a", MARKER}


def test_a_link_to_a_folder_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "disk")
    write(tmp_path / "out", a="1")
    assert (tmp_path / "out").is_symlink() and names(tmp_path / "disk") == {"a", MARKER}


def test_a_file_is_replaced_only_where_it_is_recognised(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    replace_file(page, "<title>Samples 1", "<title>Samples")
    replace_file(page, "<title>Samples 2", "<title>Samples")
    assert page.read_text() == "<title>Samples 2"
    page.write_text("my page")
    with pytest.raises(OutputError, match="was not written by this command"):
        replace_file(page, "<title>Samples 3", "<title>Samples")
    assert page.read_text() == "my page"


def test_work_that_goes_on_is_not_begun_among_other_files(tmp_path: Path) -> None:
    out = continued_folder(tmp_path / "new" / "out", "experiment")
    (out / "cells").mkdir()
    (out / "cells" / "log").write_text("1")
    assert continued_folder(out, "experiment") == out and (out / "cells" / "log").read_text() == "1"
    with pytest.raises(OutputError, match="holds an earlier experiment, not an earlier export"):
        continued_folder(out, "export")
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "report.md").write_text("mine")
    with pytest.raises(OutputError, match="is not empty"):
        continued_folder(tmp_path / "thesis", "experiment")
    assert names(tmp_path / "thesis") == {"report.md"}


def test_a_foreign_file_is_refused_before_the_work(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    refuse_foreign_file(path, '"model_hash"')
    for text, refused in (("", False), ('{"model_hash": 1}', False), ("mine", True)):
        path.write_text(text)
        if refused:
            with pytest.raises(OutputError, match="was not written by this command"):
                refuse_foreign_file(path, '"model_hash"')
        else:
            refuse_foreign_file(path, '"model_hash"')
    with pytest.raises(OutputError, match="was not written by this command"):
        refuse_foreign_file(tmp_path, '"model_hash"')
