"""Names that leave the lake are refused."""

from __future__ import annotations

import pytest

from pipelines.lake import Lake, LakeError, plain_name, safe_name


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../b", "", "a\\b", "./a"])
def test_paths_that_escape_are_refused(lake: Lake, name: str) -> None:
    with pytest.raises(LakeError):
        safe_name(name)
    with pytest.raises(LakeError):
        lake.write_bytes(name, b"")


@pytest.mark.parametrize("name", ["x", "a/b.parquet", "dump=d/part-0", "..x", "中文"])
def test_paths_that_stay_are_given_back(name: str) -> None:
    assert safe_name(name) == name


@pytest.mark.parametrize("name", ["CC-MAIN-2026-05", "run 1", "中文", "a.b", "é", "x=1", "中" * 66])
def test_names_of_cards_are_given_back(name: str) -> None:
    assert plain_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "a\nb",
        "a\u2028b",
        "a\x7f",
        ".a",
        "#a#",
        "a.yaml~",
        "a...b",
        "a/b",
        "a ",
        "",
        "a,b",
        "a|b",
        "a*",
        "a:b",
        "100%",
        "a" * 201,
        "中" * 67,
        "e\u0301",
    ],
)
def test_what_no_partition_file_and_address_can_share_is_refused(name: str) -> None:
    with pytest.raises(LakeError):
        plain_name(name)
