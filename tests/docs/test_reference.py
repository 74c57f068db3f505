"""What the reference is made from is complete: columns, fields, settings, commands."""

from __future__ import annotations

from pathlib import Path

from tools import docs_reference


def test_every_column_has_a_meaning() -> None:
    from pipelines.tables.columns import REGISTER

    list(docs_reference.modules("pipelines"))
    empty = [
        f"{t}.{c}" for t, columns in REGISTER.items() for c, said in columns.meanings.items() if not said
    ]
    assert REGISTER and not empty


def test_every_field_of_a_card_has_a_meaning() -> None:
    empty = [
        f"{name}.{key}"
        for name, model in docs_reference.cards().items()
        for key, field in model.model_fields.items()
        if not field.description
    ]
    assert set(docs_reference.CARDS) <= set(docs_reference.cards())
    assert not empty


def test_every_setting_has_a_meaning() -> None:
    from jobs.settings import Settings

    assert not [name for name, field in Settings.model_fields.items() if not field.description]


def test_every_command_and_option_says_what_it_does() -> None:
    import click

    from jobs.cli import cli

    for name, command in docs_reference.commands(cli):
        assert command.help, name
        for option in command.params:
            assert not isinstance(option, click.Option) or option.help, f"{name}: {option.opts}"


def test_the_pages_are_written(tmp_path: Path) -> None:
    docs_reference.main(tmp_path)
    text = {p.name: p.read_text(encoding="utf-8") for p in tmp_path.iterdir()}
    assert set(text) == set(docs_reference.PAGES)
    assert "| `doc_id` | 16 bytes |" in text["tables.md"]
    assert "## DumpCard" in text["cards.md"] and "| `kind` | `warc` or" in text["cards.md"]
    assert "`SKYPILE_LAKE`" in text["settings.md"]
    assert "## skypile tokenizer build" in text["commands.md"]
