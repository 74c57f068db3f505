"""Losses against sums written out by hand, the paper's formulas against its tables, the two
historic bugs."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from model.evaluate import language_loss, scorer
from model.evaluate.language_loss import (
    cut_characters,
    domain_perplexity,
    geometric_mean,
    normalised_loss,
    stream_windows,
)
from tests.support.evaluation import causal
from tests.support.evaluation import scorer as tiny

# Table 6 of the paper: six perplexities and the printed average.
TABLE_6 = {
    "ChatGLM3-6B": ((12.48, 23.48, 5.07, 18.45, 5.67, 7.47), 10.25),
    "MOSS-7B": ((20.83, 39.66, 11.08, 31.24, 10.59, 13.25), 18.50),
    "InternLM-7B": ((13.43, 24.90, 5.88, 19.78, 6.17, 8.10), 11.17),
    "Qwen-7B": ((13.39, 25.16, 5.55, 19.26, 5.76, 7.78), 10.83),
    "Baichuan2-7B": ((12.89, 23.26, 5.34, 18.36, 5.68, 7.62), 10.41),
    "LLaMA2-13B": ((23.26, 50.66, 18.09, 32.52, 14.85, 16.55), 23.54),
    "Xverse-13B": ((12.55, 23.49, 5.20, 17.69, 5.54, 7.46), 10.19),
    "Baichuan-13B": ((12.38, 22.46, 5.21, 17.59, 5.42, 7.37), 10.03),
    "Baichuan2-13B": ((12.14, 21.85, 5.05, 17.15, 5.35, 7.24), 9.81),
    "Qwen-14B": ((11.90, 22.43, 4.89, 16.94, 5.24, 7.03), 9.67),
    "InternLM-20B": ((12.34, 22.06, 5.75, 17.45, 5.73, 7.78), 10.34),
    "Aquila2-34B": ((14.62, 29.09, 5.72, 21.78, 5.83, 8.45), 11.73),
    "Skywork-13B": ((11.58, 21.84, 4.76, 17.28, 4.92, 6.82), 9.42),
}


@pytest.mark.parametrize("model", TABLE_6)
def test_average_of_table_6(model: str) -> None:
    perplexities, printed = TABLE_6[model]
    assert geometric_mean(perplexities) == pytest.approx(printed, abs=0.011)


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


def test_cut_and_normalise() -> None:
    assert len(cut_characters("字" * 5000)) == 1365
    assert normalised_loss(2.0, 300, 200) == pytest.approx(3.0)
    with pytest.raises(ValueError):
        normalised_loss(2.0, 300, 0)
    with pytest.raises(ValueError):
        geometric_mean([])


@pytest.mark.parametrize("length", [0, 1, 2, 8, 9, 16, 17, 50])
def test_windows_predict_every_token_once(length: int) -> None:
    predicted = [t for start, count in stream_windows(length, 8) for t in range(start + 1, start + count)]
    assert predicted == list(range(1, length))


def test_domains_are_averaged_and_missing_ones_named(tmp_path: Path) -> None:
    assert "missing" in domain_perplexity(tiny(), None)
    for domain in language_loss.DOMAINS[:-1]:
        with gzip.open(tmp_path / f"zh_{domain}.jsonl.gz", "wt", encoding="utf-8") as stream:
            stream.write("".join(json.dumps({"text": f"{domain} abc {i}"}) + "\n" for i in range(3)))
    report = domain_perplexity(tiny(), tmp_path)
    assert "zh_general.jsonl" in report["domains"]["general"]["missing"]
    assert "geometric_mean" not in report and "general" in report["missing"]
    (tmp_path / "zh_general.jsonl").write_text(json.dumps({"text": "abcdef"}) + "\n", encoding="utf-8")
    report = domain_perplexity(tiny(), tmp_path, reference={"general": 10})
    general = report["domains"]["general"]
    assert general["tokens"] == 5 and general["loss_normalised"] == pytest.approx(general["loss"] / 2)
    logs = [math.log(report["domains"][d]["perplexity"]) for d in language_loss.DOMAINS]
    assert math.log(report["geometric_mean"]) == pytest.approx(sum(logs) / 6)
    # Six bytes, five predicted: bits per byte counts all bytes of the text.
    assert general["bits_per_byte"] == pytest.approx(general["loss"] * 5 / math.log(2) / 6)


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
