from __future__ import annotations

import errno
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipelines.lake.atomic import create_whole, own_folder, replacing, space_for, write_whole
from pipelines.lake.errors import LakeError, NoSpace


@pytest.mark.parametrize("synced", [True, False])
def test_a_file_is_replaced_as_a_whole(tmp_path: Path, synced: bool) -> None:
    path = tmp_path / "folder" / "a.json"
    write_whole(path, "旧", synced=synced)
    with replacing(path, synced=synced) as stream:
        stream.write(b"new")
        stream.flush()
        assert path.read_text(encoding="utf-8") == "旧"
    assert path.read_bytes() == b"new" and list(path.parent.iterdir()) == [path]


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


@pytest.mark.parametrize(("mask", "mode"), [(0o077, 0o600), (0o027, 0o640), (0o002, 0o664)])
def test_the_umask_says_who_may_read_a_file(tmp_path: Path, mask: int, mode: int) -> None:
    before = os.umask(mask)
    try:
        write_whole(tmp_path / "a", b"1")
        create_whole(tmp_path / "b", b"1")
    finally:
        os.umask(before)
    assert [stat.S_IMODE(path.stat().st_mode) for path in sorted(tmp_path.iterdir())] == [mode, mode]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_said_with_the_file_that_did_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def full(_: int) -> None:
        raise OSError(code, os.strerror(code))

    write_whole(tmp_path / "a", b"old")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(
            LakeError, match=f"no space is left for {tmp_path / 'a'}: .* bytes free"
        ) as raised:
            write_whole(tmp_path / "a", b"new")
    assert isinstance(raised.value, OSError) and (tmp_path / "a").read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [tmp_path / "a"]
    with pytest.raises(PermissionError), space_for(tmp_path):  # other errors stay as they are
        raise PermissionError
    assert issubclass(NoSpace, LakeError)


def test_a_folder_of_ours_is_nobody_elses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = own_folder("cache")
    assert folder == own_folder("cache") and stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o777)
    with pytest.raises(LakeError, match="is not a folder that this user alone may write to"):
        own_folder("cache")
    folder.rmdir()
    (tmp_path / "others").mkdir(mode=0o700)
    folder.symlink_to(tmp_path / "others")
    with pytest.raises(LakeError, match="is not a folder that this user alone"):
        own_folder("cache")
