"""How examples are dealt, balanced and parted into folds."""

from __future__ import annotations

from pipelines.quality.examples import TrainingRow, balanced, dealt, folds


def test_folds_leave_whole_sources_out() -> None:
    sources = {"other": [f"w{k}" for k in range(8)], "reference": [f"r{k}" for k in range(8)]}
    examples = {
        n: [TrainingRow(bytes([k, j]), g, "words") for k, g in enumerate(names) for j in range(10)]
        for n, names in sources.items()
    }
    kind, parts = folds(examples)
    assert kind == "group"
    for part in parts:
        for name, rows in part.items():
            left = {r.group for r in examples[name]} - {r.group for r in rows}
            assert left and not left & {r.group for r in rows}


def _example(number: int, publisher: str, kind: str = "books") -> TrainingRow:
    return TrainingRow(bytes([number // 256, number % 256]), publisher, "words", publisher, kind)


def test_every_beginning_of_what_is_dealt_is_of_many_kinds_and_publishers() -> None:
    rows = [_example(k, "large", "encyclopedia") for k in range(100)]
    rows += [_example(200 + k, f"book{k % 5}") for k in range(20)] + [_example(300, "court", "miscellany")]
    order = dealt(rows)
    assert sorted(order) == sorted(rows)
    assert {e.kind for e in order[:3]} == {"encyclopedia", "books", "miscellany"}
    assert len({e.publisher for e in order[:12]}) == 7, "five books, the court, the encyclopedia"


def test_no_publisher_gives_more_than_half_of_the_positives() -> None:
    positives = [_example(k, "large") for k in range(500)]
    positives += [_example(1000 + k, f"small{k % 4}") for k in range(60)]
    examples = {"reference": positives, "other": [_example(3000 + k, f"w{k % 9}") for k in range(600)]}
    mixed = balanced(examples, 1, "reference")["reference"]
    assert sum(e.publisher == "large" for e in mixed) == 60 and len(mixed) == 120
