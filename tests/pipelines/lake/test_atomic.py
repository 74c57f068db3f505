from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipelines.lake.atomic import create_whole, replacing, write_whole


@pytest.mark.parametrize("synced", [True, False])
def test_a_file_is_replaced_as_a_whole(tmp_path: Path, synced: bool) -> None:
    path = tmp_path / "folder" / "a.json"
    write_whole(path, "旧", synced=synced)
    with replacing(path, synced=synced) as stream:
        stream.write(b"new")
        stream.flush()
        assert path.read_text(encoding="utf-8") == "旧"
    assert path.read_bytes() == b"new" and list(path.parent.iterdir()) == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_what_raises_leaves_the_old_content_and_no_other_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_whole(path, b"old")
    with pytest.raises(KeyboardInterrupt), replacing(path) as stream:
        stream.write(b"half")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_of_several_that_create_a_file_one_wins(tmp_path: Path) -> None:
    path = tmp_path / "lease" / "1.json"
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda i: create_whole(path, b"%d" % i), range(8)))
    assert sum(won) == 1 and path.read_bytes() == b"%d" % won.index(True)
    assert list(path.parent.iterdir()) == [path]
