"""Writing cards: what is written is accepted by the card, an existing one is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from jobs.cli import cli
from pipelines.cards.dump import DumpCard
from pipelines.cards.release import ReleaseCard
from pipelines.cards.tokenizer import TokenizerConfig
from pipelines.lake import Lake, LakeError


@pytest.fixture(autouse=True)
def of_the_lake(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYPILE_LAKE", lake.root)


def card(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["card", *arguments], catch_exceptions=False)


def test_a_dump_is_written_with_addresses_that_hold_in_any_folder(lake: Lake) -> None:
    assert card("dump", "a", "--uri", "x/*.gz", "--uri", "s3://b/y.gz", "--reference").exit_code == 0
    written = DumpCard.load(lake.local("cards/dumps/a.yaml"))
    assert written.uris == (str(Path("x/*.gz").resolve()), "s3://b/y.gz") and written.reference
    assert (
        written.parameters()
        == DumpCard(name="a", kind="warc", uris=written.uris, reference=True).parameters()
    )


def test_a_folder_keeps_its_slash_and_gets_one(lake: Lake, tmp_path: Path) -> None:
    assert card("dump", "a", "--uri", "x/", "--uri", str(tmp_path), "--uri", "x").exit_code == 0
    written = DumpCard.load(lake.local("cards/dumps/a.yaml"))
    assert written.uris == (f"{Path('x').resolve()}/", f"{tmp_path}/", str(Path("x").resolve()))


def test_a_release_has_the_cards_own_default_of_a_tokenizer(lake: Lake) -> None:
    assert card("release", "r", "--dump", "a", "--dump", "b").exit_code == 0
    written = ReleaseCard.load(lake.local("cards/releases/r.yaml"))
    assert written == ReleaseCard(name="r", dumps=("a", "b"))


def test_a_tokenizer_has_the_sizes_of_its_preset_and_the_file_it_extends(lake: Lake, tmp_path: Path) -> None:
    base = tmp_path / "base.json"
    base.write_text("{}")
    assert card("tokenizer", "mine", "--preset", "demo", "--extends", str(base)).exit_code == 0
    written, demo = TokenizerConfig.of(lake, "mine"), TokenizerConfig.preset("demo")
    assert written == demo.model_copy(update={"name": "mine", "extends": str(base)})


def test_a_card_is_kept_unless_it_is_to_be_replaced(lake: Lake) -> None:
    card("release", "r", "--dump", "a")
    with pytest.raises(LakeError, match=r"cards/releases/r\.yaml is there already: .* --replace"):
        card("release", "r", "--dump", "b")
    assert card("release", "r", "--dump", "b", "--replace").exit_code == 0
    assert ReleaseCard.load(lake.local("cards/releases/r.yaml")).dumps == ("b",)


def test_a_wrong_value_is_named_and_nothing_is_written(lake: Lake) -> None:
    result = card("dump", "a", "--uri", "x", "--category", "poems")
    assert result.exit_code == 2 and "category: Value error, use one of webpages" in result.output
    assert not lake.exists("cards/dumps/a.yaml")
