from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.kernels import reference
from pipelines.kernels.hashing64 import STEP
from pipelines.quality.hashed import BYTES, LinearModel, features_of, from_bytes, outputs_of, to_bytes, train


def plain_buckets(text: str, ngrams: int, bits: int) -> list[int]:
    """Distinct buckets in order, from the plain tokens."""
    read = text.encode()[:BYTES].decode(errors="ignore")
    words = [t.text for t in reference.tokens(read)]
    values = [reference.token_hash("00" if w.isascii() and w.isdigit() and len(w) <= 8 else w) for w in words]
    found: dict[int, None] = {}
    for k in range(len(values)):
        h = 0
        for j in range(min(ngrams, k + 1)):
            h = (h * int(STEP) + values[k - j]) & reference.WORD
            found[reference.avalanche(h) >> (64 - bits)] = None
    return list(found)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=4), st.integers(1, 3))
def test_features_are_the_distinct_buckets_of_the_plain_tokens(texts: list[str], ngrams: int) -> None:
    texts = [t.encode("utf-8", "ignore").decode() for t in texts]
    found = features_of(pa.array(texts, pa.string()), ngrams, 12)
    for k, text in enumerate(texts):
        assert found.buckets[found.starts[k] : found.starts[k + 1]].tolist() == plain_buckets(
            text, ngrams, 12
        )


def test_every_number_is_one_token_and_only_the_beginning_is_read() -> None:
    one, other = (features_of(pa.array([f"{n} apples"]), 2, 18).buckets.tolist() for n in (7, 1234))
    assert one == other
    long = "word " * BYTES
    found = features_of(pa.array([long, long + "end"]), 1, 18)
    assert found.starts.tolist() == [0, 1, 2]


def topics(count: int) -> tuple[list[str], list[int]]:
    rng = np.random.default_rng(1)
    words = [
        ["river", "history", "king", "temple"],
        ["price", "cart", "offer", "shop"],
        ["proof", "sum", "lemma", "set"],
    ]
    labels = [k % 3 for k in range(count)]
    return [" ".join(rng.choice(words[k], 12)) for k in labels], labels


def learned(texts: list[str], labels: list[int], classes: bool) -> LinearModel:
    targets = np.eye(3)[labels] if classes else np.array(labels, float)[:, None]
    features = features_of(pa.array(texts), 2, 14)
    return train(
        features,
        targets,
        np.ones(len(texts)),
        classes=classes,
        ngrams=2,
        bits=14,
        epochs=10,
        rate=0.3,
        decay=1e-5,
        max_weights=500,
        seed=1,
    )


def test_a_model_tells_topics_apart_repeats_and_comes_back_from_its_file() -> None:
    texts, labels = topics(90)
    model = learned(texts, labels, classes=True)
    data = to_bytes({"en": model})
    assert data == to_bytes({"en": learned(texts, labels, classes=True)})
    back = from_bytes(data)["en"]
    assert len(back.buckets) <= 500 and back.weights.dtype == np.int8
    new, truth = topics(30)
    scores = outputs_of(back, back.dense(), features_of(pa.array(new), 2, 14), True)
    assert scores.argmax(axis=1).tolist() == truth
    assert np.allclose(scores.sum(axis=1), 1)


def test_a_number_is_learned_in_its_own_unit() -> None:
    texts, labels = topics(90)
    model = learned(texts, labels, classes=False)
    scores = outputs_of(model, model.dense(), features_of(pa.array(texts), 2, 14), False)[:, 0]
    assert np.abs(scores - np.array(labels)).mean() < 0.2


def test_an_empty_text_has_the_intercept() -> None:
    texts, labels = topics(30)
    model = learned(texts, labels, classes=False)
    found = outputs_of(model, model.dense(), features_of(pa.array(["", None]), 2, 14), False)
    assert np.allclose(found[:, 0], model.intercept[0])
