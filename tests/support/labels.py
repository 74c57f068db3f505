"""A classifier card with labelled text of three topics, in a lake."""

from __future__ import annotations

import json
from typing import Any

import yaml

from pipelines.cards.classifier import ClassifierCard
from pipelines.lake import Lake
from tests.support.topics import TOPICS, topic_texts


def labelled_rows(count: int = 20) -> list[dict[str, Any]]:
    """Texts of the topics with their topic and its number, each of one of four sources."""
    return [
        {"text": text, "topic": topic, "grade": number, "from": f"{topic}{k % 4}"}
        for number, topic in enumerate(TOPICS)
        for k, text in enumerate(topic_texts(topic, count))
    ]


def classifier_card(name: str = "topics", **more: Any) -> ClassifierCard:
    """A card over `labelled_rows`; of numbers where `gives` says so."""
    label = "grade" if more.get("gives") == "number" else "topic"
    whole = {
        "name": name,
        "examples": f"labels/{name}.jsonl",
        "gives": "classes",
        "fields": {"label": label, "source": "from"},
        "hash_bits": 14,
        "folds": 4,
    }
    return ClassifierCard.model_validate(whole | more)


def labelled_bytes(rows: list[dict[str, Any]] | None = None) -> bytes:
    """Rows as a file of lines."""
    return "".join(json.dumps(row) + "\n" for row in (labelled_rows() if rows is None else rows)).encode()


def write_classifier(lake: Lake, name: str = "topics", **more: Any) -> None:
    """The card and its file of examples."""
    card = classifier_card(name, **more)
    lake.write_bytes(f"cards/classifiers/{name}.yaml", yaml.safe_dump(card.parameters()).encode())
    lake.write_bytes(card.examples, labelled_bytes())
