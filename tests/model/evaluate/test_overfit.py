"""Table 7 of the paper alerts, a checkpoint that improves everywhere does not, and equal ones
seldom do."""

from __future__ import annotations

import numpy as np
import pytest

from model.evaluate.overfit import ALPHA, Change, overfit_gate, rise

TOKENS = 400


def documents(change: float, number: int = 300, seed: int = 0, spread: float = 0.4) -> Change:
    """Documents of equal length whose loss per token changes by so much, with noise."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, spread, number)
    return Change((change + noise - noise.mean()) * TOKENS, number * TOKENS)


def questions(before: float, after: float, number: int = 1_300, seed: int = 0) -> Change:
    """Questions of which these shares are right, independently before and after."""
    rng = np.random.default_rng(seed)
    right = [rng.permutation(np.arange(number) < round(share * number)) for share in (before, after)]
    return Change(right[1].astype(float) - right[0], number)


# Paper Table 7.
LOSS = {"web-en": documents(0.23, seed=1), "web-zh": documents(0.13, seed=2)}
ACCURACY = {"ceval": questions(0.283, 0.508, 1_346), "gsm8k": questions(0.069, 0.407, 1_319)}


def test_table_7_alerts_also_where_the_domain_trained_for_falls() -> None:
    report = overfit_gate(LOSS, ACCURACY)
    assert report["alert"]
    assert report["loss"]["changes"] == {"web-en": pytest.approx(0.23), "web-zh": pytest.approx(0.13)}
    assert report["accuracy"]["changes"]["gsm8k"] == pytest.approx(0.338, abs=0.001)
    fallen = overfit_gate(LOSS | {"stem": documents(-1.5)}, ACCURACY)
    assert fallen["alert"] and fallen["in_domain"] == {"stem": pytest.approx(-1.5)}
    assert fallen["loss"] == report["loss"]


def test_fifty_questions_and_few_documents_suffice_for_table_7() -> None:
    loss = {"web-en": documents(0.23, 60), "web-zh": documents(0.13, 60)}
    assert overfit_gate(loss, {"ceval": questions(0.283, 0.508, 50), "gsm8k": questions(0.069, 0.407, 50)})[
        "alert"
    ]


def test_better_everywhere_or_worse_everywhere_does_not() -> None:
    better = {name: Change(-change.differences, change.total) for name, change in LOSS.items()}
    worse = {name: Change(-change.differences, change.total) for name, change in ACCURACY.items()}
    assert overfit_gate(better, ACCURACY)["alert"] is False
    assert overfit_gate(LOSS, worse)["alert"] is False


def test_what_was_not_measured_is_named_and_does_not_alert() -> None:
    report = overfit_gate(LOSS, {})
    assert report["alert"] is None and "no accuracy" in report["missing"] and report["loss"]["rose"]
    assert "no loss" in overfit_gate({"stem": LOSS["web-en"]}, ACCURACY)["missing"]


def test_one_checkpoint_against_itself_never_alerts() -> None:
    same = {name: Change(np.zeros(50), 50.0) for name in ("a", "b")}
    report = overfit_gate(same, same)
    assert report["alert"] is False and report["loss"]["p"] == 1.0


def test_equal_checkpoints_alert_in_at_most_a_twentieth_though_every_accuracy_rises() -> None:
    """300 pairs whose documents differ by noise alone, of heavy tails and unequal lengths: 15 are
    expected to alert at most; more than 28 would be one chance in a thousand."""
    rng, alerts = np.random.default_rng(5), 0
    for pair in range(300):
        loss = {
            name: Change(rng.standard_t(3, n) * (lengths := rng.integers(20, 900, n)), float(lengths.sum()))
            for name, n in (("web-en", 40), ("web-zh", 15), ("code", 5))
        }
        alerts += bool(overfit_gate(loss, {"ceval": ACCURACY["ceval"]}, seed=pair, flips=199)["alert"])
    assert alerts <= 28, ALPHA


def test_a_rise_is_that_of_all_sign_flips() -> None:
    """Three differences have eight flips: only the data's own gives so large a mean, p = 1/8."""
    found = rise({"a": Change(np.array([1.0, 2.0, 3.0]), 3.0)}, flips=9_999)
    assert found["p"] == pytest.approx(1 / 8, abs=0.01) and not found["rose"]
    assert found["mean"] == 2.0
