"""Language-modelling loss: validation shards by domain, and Chinese domain perplexity as the paper
defines it.

Sources: paper 4.3 and Appendix D; eval_loss.py of the Skywork repository. Averages over benchmarks
belong to choices.py.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from model.evaluate.files import DOMAINS, domain_file, read_lines
from model.evaluate.scorer import Losses, Scorer, token_bytes
from pipelines.shards.format import END_OF_DOCUMENT
from pipelines.shards.reader import ShardSet

# Characters are cut at a third of the token limit: a byte-fallback tokenizer needs up to three
# tokens for a Chinese character.
PAPER_MAX_TOKENS = 4096
# Nats by which rounding (bf16 in the loop, fp32 on a CPU) may part two losses of equal tokens.
AGREEMENT = 0.02


def geometric_mean(perplexities: Iterable[float]) -> float:
    """exp of the unweighted mean of ln: the Average column of Table 6."""
    values = list(perplexities)
    if not values:
        raise ValueError("the mean of no perplexities is asked for")
    return math.exp(sum(math.log(v) for v in values) / len(values))


def normalised_loss(loss: float, tokens: int, reference_tokens: int) -> float:
    """Loss per token of a reference tokenizer: the characters' total loss over the reference's
    count (paper 4.3)."""
    if reference_tokens <= 0:
        raise ValueError("the reference tokenizer must predict at least one token")
    return loss * tokens / reference_tokens


def cut_characters(text: str, max_tokens: int = PAPER_MAX_TOKENS) -> str:
    """The first max_tokens // 3 characters: 1,365 at 4,096."""
    return text[: max_tokens // 3]


def perplexity(loss: float) -> float:
    """exp(loss), infinite where that overflows."""
    return math.exp(loss) if loss < 700 else math.inf


def document_losses(scorer: Scorer, texts: Sequence[str], max_tokens: int) -> Losses:
    """Losses of documents cut to max_tokens // 3 characters, tokenised without markers. Ids beyond
    the context are left out."""
    return scorer.losses([scorer.encode(cut_characters(t, max_tokens))[: scorer.context] for t in texts])


def summary(losses: Losses, utf8_bytes: int) -> dict[str, Any]:
    """Loss (nats per token), perplexity, bits per byte, tokens and documents of a set."""
    loss = losses.mean
    bits = float(losses.nll.sum()) / math.log(2)
    return {
        "loss": loss,
        "perplexity": perplexity(loss),
        "bits_per_byte": bits / utf8_bytes if utf8_bytes else math.nan,
        "tokens": int(losses.tokens.sum()),
        "documents": len(losses.tokens),
    }


def domain_perplexity(
    scorer: Scorer, data: Path | None, reference: Mapping[str, int] | None = None, limit: int = 0
) -> dict[str, Any]:
    """Perplexity on the six sets and its geometric mean. `reference`: predicted tokens by domain of
    another tokenizer, to compare by.

    Looks for zh_<domain>.jsonl[.gz] in the folder, in its domain-loss/ and beside it; names what it
    does not find. The average is given only when all six are there.
    """
    if data is None:
        return {"missing": "no folder of test sets was given (zh_<domain>.jsonl of the six domains)"}
    max_tokens = min(PAPER_MAX_TOKENS, scorer.context)
    domains: dict[str, Any] = {}
    for domain in DOMAINS:
        name = f"zh_{domain}.jsonl"
        path = domain_file(data, domain)
        if path is None:
            domains[domain] = {"missing": f"{name}[.gz] is not in {data}"}
            continue
        texts = [record["text"] for record in read_lines(path, ("text",))]
        of = len(texts)
        texts = texts[:limit] if limit else texts
        losses = document_losses(scorer, texts, max_tokens)
        cut = sum(int(n) == scorer.context - 1 for n in losses.tokens)
        domains[domain] = summary(losses, sum(len(cut_characters(t, max_tokens).encode()) for t in texts)) | {
            "of": of,
            "cut_to_context": cut,
        }
        if reference and domain in reference:
            loss = normalised_loss(losses.mean, int(losses.tokens.sum()), reference[domain])
            domains[domain] |= {"loss_normalised": loss, "perplexity_normalised": perplexity(loss)}
    out: dict[str, Any] = {
        "domains": domains,
        "characters": max_tokens // 3,
        "paper_characters": max_tokens == PAPER_MAX_TOKENS,
    }
    lacking = [d for d in DOMAINS if "missing" in domains[d]]
    if lacking:
        return out | {"missing": "no average: lacking " + ", ".join(lacking)}
    return out | {"geometric_mean": geometric_mean(domains[d]["perplexity"] for d in DOMAINS)}


def stream_windows(length: int, context: int) -> list[tuple[int, int]]:
    """Starts and counts of windows over a token stream, one token shared, so that every token but
    the first is predicted once."""
    return [(start, min(context + 1, length - start)) for start in range(0, length - 1, context)]


def last_in_loop(run_dir: Path, export: Path, context: int) -> dict[str, dict[str, Any]]:
    """By domain the record that the run's loop wrote of its validation at the step of this export;
    empty where the export is not of this run, or was trained at another length."""
    stage, log = export / "stage.json", run_dir / "logs" / "validation.jsonl"
    if not stage.is_file() or not log.is_file():
        return {}
    record = json.loads(stage.read_text(encoding="utf-8"))
    if record.get("sequence_length") != context or run_dir not in Path(record["checkpoint"]).parents:
        return {}
    found = [json.loads(line) for line in log.read_text(encoding="utf-8").split("\n") if line]
    return {r["domain"]: r for r in found if r["step"] == record["step"]}


def stream_losses(
    scorer: Scorer, opened: ShardSet, source: str, length: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Windows over the first `length` tokens of a source: ids [m], and the losses [m - 1] of
    predicting the second to the last (nats)."""
    windows = stream_windows(length, scorer.context)
    # 64 windows at a time bound the memory whatever the size of the domain.
    for at in range(0, len(windows), 64):
        ids = [
            np.asarray(opened.tokens(source, start, count)).astype(np.int64)
            for start, count in windows[at : at + 64]
        ]
        yield from zip(ids, scorer.token_losses([s.tolist() for s in ids]), strict=True)


def losses_of_documents(scorer: Scorer, shards: Path) -> dict[str, Losses]:
    """By source of a folder of validation shards: summed loss and predicted tokens of each
    document. A document's end is its own token; the first of the stream is not predicted."""
    opened = ShardSet.open(shards)
    out = {}
    for source in sorted(opened.sources):
        numbers, losses, ended = [], [], 0
        for ids, row in stream_losses(scorer, opened, source, opened.sources[source].tokens):
            ends = np.cumsum(ids[:-1] == END_OF_DOCUMENT)
            numbers.append(ended + ends)
            losses.append(row.astype(np.float64))
            ended += int(ends[-1])
        if losses:
            number = np.concatenate(numbers)
            out[source] = Losses(np.bincount(number, np.concatenate(losses)), np.bincount(number))
    return out


def validation_loss(
    scorer: Scorer,
    shards: Path,
    tokenizer: Path,
    max_tokens: int = 0,
    in_loop: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Loss, perplexity and bits per byte of every source (domain) of a folder of validation shards.

    Loss and perplexity are over all tokens; bits per byte leave out special tokens, which stand for
    no bytes. `max_tokens` of a domain from its beginning, 0 for all. `in_loop`: records of the
    training loop (see `last_in_loop`), which reads the first sequences of a domain: the losses of
    both on those tokens are set side by side.
    """
    if not shards.is_dir():
        return {"missing": f"{shards}: no validation shards"}
    sizes = token_bytes(tokenizer, scorer.vocab_size)
    opened = ShardSet.open(shards)
    domains: dict[str, Any] = {}
    for source in sorted(opened.sources):
        length = opened.sources[source].tokens
        length = min(length, max_tokens) if max_tokens else length
        nll = text_nll = first_nll = 0.0
        tokens = text_bytes = 0
        logged = (in_loop or {}).get(source, {})
        first = int(logged.get("tokens", 0))
        for sequence, losses in stream_losses(scorer, opened, source, length):
            target = sizes[sequence[1:]]
            nll += float(losses.sum(dtype=np.float64))
            first_nll += float(losses[: max(0, first - tokens)].sum(dtype=np.float64))
            text_nll += float(losses[target > 0].sum(dtype=np.float64))
            tokens += len(losses)
            text_bytes += int(target.sum())
        if not tokens:
            domains[source] = {"missing": f"{source}: fewer than two tokens"}
            continue
        loss = nll / tokens
        bits = text_nll / math.log(2) / text_bytes if text_bytes else math.nan
        domains[source] = {
            "loss": loss,
            "perplexity": perplexity(loss),
            "bits_per_byte": bits,
            "tokens": tokens,
            "bytes": text_bytes,
        }
        if 0 < first <= tokens:
            domains[source]["in_loop"] = {
                "tokens": first,
                "loss": logged["loss"],
                "loss_exported": first_nll / first,
                "agrees": abs(first_nll / first - logged["loss"]) < AGREEMENT,
            }
    found = [d for d in domains.values() if "loss" in d]
    total = sum(d["tokens"] for d in found)
    return {
        "domains": domains,
        "loss": sum(d["loss"] * d["tokens"] for d in found) / total if total else math.nan,
        "tokens": total,
    }
