from __future__ import annotations

from pipelines.extraction.markdown.symbols import ACCENTS, VARIANTS, command, joined


def test_characters_are_commands_or_themselves() -> None:
    assert [command(c) for c in "xα≤{𝑥𝐱𝔼中−"] == [
        "x",
        r"\alpha",
        r"\leq",
        r"\{",
        "x",
        r"\mathbf{x}",
        r"\mathbb{E}",
        "中",
        "-",
    ]


def test_a_command_is_parted_from_a_letter_and_one_font_is_named_once() -> None:
    assert joined([r"\alpha", "x", r"\beta", "1"]) == r"\alpha x\beta1"
    assert joined([r"\mathrm{d}", r"\mathrm{x}", r"\mathbf{y}"]) == r"\mathrm{dx}\mathbf{y}"


def test_accents_and_fonts_are_commands() -> None:
    assert ACCENTS["^"] == ("hat", "widehat") and VARIANTS["bold"] == r"\mathbf"
