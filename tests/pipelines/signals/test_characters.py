"""What a code point is to a rule: tables against Python's own reading of a character."""

from __future__ import annotations

import pytest

from pipelines.signals.characters import (
    ALNUM,
    ALONE,
    ALPHA,
    BREAK,
    CLASS_BITS,
    DIGIT,
    END,
    HAN,
    HAN_END,
    SIZE,
    SPACE,
    STOP,
    STOP_WORDS,
    SYMBOL,
    UNITS,
    classes_of,
    symbols,
    table,
    terminal_marks,
    unit_of,
)


@pytest.mark.parametrize("unit", UNITS)
def test_classes_are_those_of_python(unit: str) -> None:
    values = table(unit)
    for point in [*range(0x3000), *range(0x4DFF, 0xAC10), *range(0x1F600, 0x1F610)]:
        char, value = chr(point), int(values[point])
        assert bool(value & SPACE) == char.isspace() and bool(value & DIGIT) == char.isdigit()
        assert bool(value & ALPHA) == char.isalpha() and bool(value & ALNUM) == char.isalnum()
        assert bool(value & BREAK) == (len(f"a{char}b".splitlines()) == 2)
        assert bool(value & SYMBOL) == (char in symbols())
        low = char.lower()
        assert value >> CLASS_BITS == (ord(low) if len(low) == 1 else point)


def test_ends_of_sentences_hang_on_the_unit() -> None:
    words, characters = table("words"), table("characters")
    assert terminal_marks() == {chr(p) for p in range(SIZE) if words[p] & END}
    assert words[ord(".")] & END and characters[ord("。")] & END and not words[ord("…")] & END
    assert characters[ord("…")] & END and not characters[0x589] & END  # an Armenian full stop


def test_han_stands_alone_where_characters_are_counted() -> None:
    for char, han, alone in (
        ("中", True, True),
        ("か", False, True),
        ("a", False, False),
        ("한", False, False),
    ):
        assert bool(table("words")[ord(char)] & HAN) == han and not table("words")[ord(char)] & ALONE
        assert bool(table("characters")[ord(char)] & ALONE) == alone
    assert all(table("characters")[ord(c)] & STOP for c in STOP_WORDS["characters"])


def test_beyond_the_table_are_han_and_nothing() -> None:
    for point in (SIZE, 0x2A6DF, HAN_END - 1):
        assert (
            classes_of(table("characters"), point, True) == point << CLASS_BITS | ALPHA | ALNUM | HAN | ALONE
        )
        assert classes_of(table("words"), point, False) == point << CLASS_BITS | ALPHA | ALNUM | HAN
    assert classes_of(table("words"), HAN_END, False) == HAN_END << CLASS_BITS
    assert classes_of(table("words"), ord("A"), False) == int(table("words")[ord("A")])


def test_languages_without_spaces_are_counted_in_characters() -> None:
    assert [unit_of(language) for language in ("zh", "ja", "yue", "en", "ko", "")] == ["characters"] * 3 + [
        "words"
    ] * 3
