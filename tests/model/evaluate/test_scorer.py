"""Losses against sums written out by hand, and the two historic bugs of the paper's script."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from model.evaluate import scorer
from tests.support.evaluation import causal
from tests.support.evaluation import scorer as tiny


@torch.no_grad()
def by_hand(sequence: list[int]) -> float:
    """The summed loss of one sequence, position by position, without a batch."""
    model, total = causal(), 0.0
    for t in range(1, len(sequence)):
        total -= torch.log_softmax(model(torch.tensor([sequence[:t]]))[0, -1], -1)[sequence[t]].item()
    return total


def test_losses_are_those_written_out() -> None:
    sequences = [[3, 1, 4, 1, 5], [9, 2], [6, 5, 3, 5, 8, 9, 7, 9], [1]]
    got = tiny().losses(sequences)
    assert got.tokens.tolist() == [4, 1, 7, 0]
    assert got.nll == pytest.approx([by_hand(s) for s in sequences], rel=1e-4)
    assert got.mean == pytest.approx(sum(by_hand(s) for s in sequences) / 12, rel=1e-4)


@torch.no_grad()
def test_first_historic_bug_padding_side() -> None:
    """A document's loss is the same alone and beside a longer one: padding never stands before
    it."""
    short, long = [5, 6, 7], list(range(20))
    alone, beside = tiny().losses([short]), tiny().losses([long, short])
    assert beside.nll[1] == pytest.approx(alone.nll[0], rel=1e-5)
    model = causal()
    left = torch.tensor([[0] * 17 + short])
    wrong = torch.nn.functional.cross_entropy(
        model(left[:, :-1])[0, -2:], left[0, -2:], reduction="sum"
    ).item()
    assert abs(wrong - alone.nll[0]) > 0.01  # what the bug gave differs, so this test can fail


@torch.no_grad()
def test_second_historic_bug_mask_shift() -> None:
    """No prediction of padding is counted: predicted tokens are those of the mask less one a
    document."""
    rows = [[5, 6, 7], list(range(20))]
    got = tiny().losses(rows)
    assert int(got.tokens.sum()) == sum(map(len, rows)) - len(rows)
    ids = torch.zeros((2, 20), dtype=torch.long)
    mask = torch.zeros((2, 20))
    for i, row in enumerate(rows):
        ids[i, : len(row)], mask[i, : len(row)] = torch.tensor(row), 1
    each = torch.nn.functional.cross_entropy(
        causal()(ids)[:, :-1].transpose(1, 2), ids[:, 1:], reduction="none"
    )
    assert (each * mask[:, 1:]).sum().item() == pytest.approx(got.nll.sum(), rel=1e-4)
    assert abs((each * mask[:, :-1]).sum().item() - got.nll.sum()) > 0.01


def test_batches_do_not_change_losses(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [list(range(n)) for n in (2, 9, 30, 4, 17)]
    whole = tiny().losses(rows)
    monkeypatch.setattr(scorer, "BATCH_TOKENS", 1)
    assert tiny().losses(rows).nll == pytest.approx(whole.nll, rel=1e-4)


def test_bytes_of_tokens(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    vocabulary = {"<s>": 0, "<0xE5>": 1, "\u2581the": 2, "\u7684": 3}
    path.write_text(
        json.dumps(
            {"model": {"vocab": vocabulary}, "added_tokens": [{"id": 0, "content": "<s>", "special": True}]}
        )
    )
    assert scorer.token_bytes(path, 6).tolist() == [0, 1, 4, 3, 0, 0]
    path.write_text(json.dumps({"model": {"vocab": {"\u0120a": 0}}, "decoder": {"type": "ByteLevel"}}))
    assert scorer.token_bytes(path, 1).tolist() == [2]


@torch.no_grad()
def test_greedy_takes_the_largest_logit_and_stops() -> None:
    """Rows of different length in one call, a shared beginning and a cache give what plain forward
    passes give."""
    one = tiny(context=32)
    prompts = [one.encode(t) for t in ("abc", "abd12345", "abcd")]
    texts, model = one.generate(prompts, 6, lambda t: False), causal()
    for prompt, text in zip(prompts, texts, strict=True):
        ids = list(prompt)
        for _ in range(6):
            ids.append(int(model(torch.tensor([ids]))[0, -1].argmax()))
        assert text == one.decode(ids[len(prompt) :])
    assert one.generate(prompts[:1], 6, lambda t: len(t) >= 2)[0] == texts[0][:2]


def test_a_continuation_stops_before_the_id_that_ends_a_text() -> None:
    """The text does not hold the end, as a special token has none: ids are compared."""
    one = tiny(context=32)
    prompts = [one.encode(t) for t in ("abc", "abd12345")]
    free = one.generate(prompts, 6, lambda t: False)
    at = next(i for i in range(1, 6) if free[0][i] not in free[0][:i])
    (end,) = one.encode(free[0][at])
    one.ends = frozenset([end])
    texts = one.generate(prompts, 6, lambda t: False)
    assert texts[0] == free[0][:at]
    assert texts[1] == free[1].partition(free[0][at])[0]


def test_the_ids_that_end_a_text_are_the_configs(tmp_path: Path) -> None:
    for value, ids in ((2, {2}), ([2, 7], {2, 7}), (None, set())):
        (tmp_path / "config.json").write_text(json.dumps({"eos_token_id": value}))
        assert scorer.end_ids(tmp_path) == ids


@torch.no_grad()
def test_shared_beginnings_and_long_prompts_change_no_logits() -> None:
    one, model = tiny(context=16), causal()
    rows = [[1, 2, 3, 4], [1, 2, 3, 4, 5, 6], [1, 2, 9], [1, 2, 3], list(range(40))]
    for some in (rows[:4], rows, rows[4:], [rows[0], rows[0]]):
        wanted = np.stack([model(torch.tensor([r[-16:]]))[0, -1].numpy() for r in some])
        np.testing.assert_allclose(one.next_logits(some), wanted, atol=1e-4)
    assert scorer.common_prefix(rows[:4]) == 2 and scorer.common_prefix([[1], [1]]) == 0
    with pytest.raises(ValueError):
        one.next_logits([[]])
