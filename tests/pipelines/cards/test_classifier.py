from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.cards.base import CardError
from pipelines.cards.classifier import ClassifierCard

WHOLE = {"name": "c", "examples": "labels/c.jsonl", "gives": "classes"}


def load(folder: Path, **more: Any) -> ClassifierCard:
    path = folder / "c.yaml"
    path.write_text(yaml.safe_dump(WHOLE | more))
    return ClassifierCard.load(path)


def test_a_card_has_a_model_for_each_language_or_one_for_all(tmp_path: Path) -> None:
    assert load(tmp_path).parts() == {"en": ("en",), "zh": ("zh",)}
    assert load(tmp_path, one_model=True).parts() == {"all": ("en", "zh")}
    assert load(tmp_path, languages=["zh"]).parts() == {"zh": ("zh",)}


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"gives": "number", "classes": ["a", "b"]}, "a number has no classes"),
        ({"gives": "number", "method": "fasttext"}, "fastText gives classes alone"),
        ({"classes": ["only"]}, "name at least two classes"),
        ({"classes": ["a", "label"]}, "a classifier has a column of that name"),
        ({"classes": ["a", "b/c"]}, "without '/'"),
        ({"languages": []}, "name at least one language"),
        ({"edges": [1]}, "edges"),
    ],
)
def test_what_a_card_cannot_say_is_refused_with_a_sentence(
    tmp_path: Path, wrong: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(CardError, match=sentence):
        load(tmp_path, **wrong)
