"""From a corpus to token shards, parts in parallel, in bounded memory.

Belongs here: tokenizing parts, ordering documents, writing shards. Does not belong here: the format
(format.py), reading (reader.py), the encoder (tokenizer/encoder.py).

Two passes over the engine. First each part of the corpus is tokenized once and spilled, sorted by
order key. Then each shard, an equal range of the 64-bit key space, gathers its range from every
spill. Tokens, not text, are shuffled; a shard holds about SHARD_TOKENS whatever the size of the
corpus.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads
import pyarrow.parquet as pq

from pipelines.lake import Dataset, Writer, safe_name
from pipelines.shards.format import (
    END,
    END_OF_DOCUMENT,
    FORMAT,
    LISTING,
    PROVENANCE,
    SUMS,
    TOKEN,
    ShardError,
    ShardFile,
    order_key,
    pack_files,
    shard_paths,
    table_path,
)
from pipelines.tables.stage import Building, Stage

if TYPE_CHECKING:
    from pipelines.tokenizer.encoder import Encoder

VERSION = 2
# text handed to the encoder at once: bounds memory, long enough to amortise the call
BATCH_BYTES = 4 << 20
# 512 MiB a shard: few files at 3.2 T tokens, and a sort of one fits a worker's memory
SHARD_TOKENS = 1 << 28
SPILL = pa.schema(
    [
        ("source", pa.string()),
        ("key", pa.uint64()),
        *PROVENANCE,
        ("text_bytes", pa.int64()),
        ("tokens", pa.large_binary()),
    ]
)


@lru_cache(maxsize=1)
def _encoder(definition: str) -> Encoder:
    """One encoder for a worker: its word cache stays warm from part to part."""
    from pipelines.tokenizer.encoder import Encoder

    return Encoder(definition)


def bucket_names(corpus: Dataset) -> list[str]:
    """Columns of a corpus that are buckets of its release, in the card's order."""
    return [bucket["name"] for bucket in corpus.manifest.parameters.get("buckets", ())]


def _spill_part(corpus: Dataset, index: int, encoder: Encoder, seed: int, by_domain: bool) -> pa.Table:
    """One part of the corpus, tokenized, as SPILL rows sorted by (source, key, doc_id). No text
    becomes a Python string.

    ShardError where a text is not UTF-8.
    """
    buckets = bucket_names(corpus)
    columns = [*PROVENANCE.names, "text", *(["domain"] if by_domain else ["language", "category", *buckets])]
    table = corpus.read_part(index, columns)
    texts = pc.fill_null(table.column("text").cast(pa.large_string()), "").combine_chunks()
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid as error:
        raise ShardError(
            f"part {index} of {corpus.path} holds text that is not UTF-8 ({error}): build the corpus again"
        ) from None
    _, offsets_buffer, data_buffer = texts.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int64, len(texts) + 1, texts.offset * 8)
    data = np.frombuffer(data_buffer or b"", np.uint8)
    tokens, ends, position, first = [np.empty(0, np.uint16)], [np.zeros(1, np.int64)], 0, 0
    while first < len(texts):
        last = max(first + 1, int(np.searchsorted(offsets, offsets[first] + BATCH_BYTES)))
        last = min(last, len(texts))
        some, some_ends = encoder.encode_utf8(
            data[offsets[first] : offsets[last]], offsets[first : last + 1] - offsets[first], END_OF_DOCUMENT
        )
        tokens.append(some)
        ends.append(some_ends + position)
        position, first = position + len(some), last
    token_bytes = np.concatenate(tokens).astype(TOKEN, copy=False)
    token_ends = np.concatenate(ends) * TOKEN.itemsize
    if by_domain:
        sources = table.column("domain").combine_chunks()
    else:
        sources = pc.binary_join_element_wise(table.column("language"), table.column("category"), "-")
        if buckets:
            sources = pc.binary_join_element_wise(sources, *(table.column(name) for name in buckets), "/")
        sources = sources.combine_chunks()
    doc_ids = table.column("doc_id").to_pylist()
    keys = np.array([order_key(seed, d) for d in doc_ids], np.uint64)
    high_low = np.frombuffer(b"".join(doc_ids), ">u8").reshape(-1, 2)
    provenance = [table.column(f.name).cast(f.type) for f in PROVENANCE]
    arrays = [
        sources,
        pa.array(keys),
        *provenance,
        pa.array(np.diff(offsets)),
        pa.LargeBinaryArray.from_buffers(
            pa.large_binary(), len(texts), [None, pa.py_buffer(token_ends), pa.py_buffer(token_bytes)]
        ),
    ]
    codes = np.unique(np.array(sources.to_pylist(), str), return_inverse=True)[1]
    ordered = np.lexsort((high_low[:, 1], high_low[:, 0], keys, codes))
    return pa.table(arrays, schema=SPILL).take(pa.array(ordered))


def _token_ends(tokens: pa.LargeBinaryArray) -> npt.NDArray[np.int64]:
    """End of each document as a token position, int64 [documents]."""
    offsets = np.frombuffer(tokens.buffers()[1], np.int64, len(tokens) + 1, tokens.offset * 8)
    return (offsets[1:] - offsets[0]) // TOKEN.itemsize


def _key_range(index: int, count: int) -> tuple[int, int]:
    """First and last key of shard `index` of `count`."""
    return (index << 64) // count, ((index + 1 << 64) // count) - 1


def _write_shard(writer: Writer, spills: list[str], source: str, index: int, count: int) -> ShardFile:
    """Gather the key range of one shard from all spills and write its three files."""
    low, high = (pa.scalar(k, pa.uint64()) for k in _key_range(index, count))
    wanted = (pads.field("source") == source) & (pads.field("key") >= low) & (pads.field("key") <= high)
    tables = [pq.read_table(s, filesystem=writer.lake.fs, filters=wanted, partitioning=None) for s in spills]
    rows = pa.concat_tables(tables).sort_by([("key", "ascending"), ("doc_id", "ascending")])
    tokens = rows.column("tokens").combine_chunks()
    ends = _token_ends(tokens)
    first = np.frombuffer(tokens.buffers()[1], np.int64, 1, tokens.offset * 8)[0]
    data = tokens.buffers()[2].slice(first, int(ends[-1]) * TOKEN.itemsize if len(ends) else 0).to_pybytes()
    sink = pa.BufferOutputStream()
    pq.write_table(
        rows.select(PROVENANCE.names).cast(PROVENANCE), sink, compression="zstd", row_group_size=4096
    )
    files = dict(
        zip(
            shard_paths(source, index),
            (data, ends.astype(END).tobytes(), sink.getvalue().to_pybytes()),
            strict=True,
        )
    )
    for path, content in files.items():
        writer.write_bytes(path, content)
    (bin_path, idx_path, prov_path), (sha256, idx_sha256, prov_sha256) = (
        files,
        (hashlib.sha256(c).hexdigest() for c in files.values()),
    )
    return ShardFile(
        bin=bin_path,
        idx=idx_path,
        prov=prov_path,
        tokens=len(data) // TOKEN.itemsize,
        documents=len(rows),
        text_bytes=sum(rows.column("text_bytes").to_pylist()),
        sha256=sha256,
        idx_sha256=idx_sha256,
        prov_sha256=prov_sha256,
    )


def shards_stage(
    asset: str, corpus: Dataset, tokenizer: Dataset, seed: int, shard_tokens: int = SHARD_TOKENS
) -> Stage:
    """The table `asset` (main_shards, stem_shards, validation_shards): shards and the listing
    `shards.json`.

    A source is language-category, with the buckets of the release behind it (`en-webpages/q3/science`); for
    validation_shards it is the column `domain`. The listing has,
    for each source, tokens, documents, text_bytes and files; beside them tokenizer_hash (sha256 of
    tokenizer.json). Stats: the listing's sums, tokens_by_source. ShardError where the vocabulary has
    more pieces than uint16 holds.
    """
    by_domain = asset == "validation_shards"
    parameters = {"seed": seed, "shard_tokens": shard_tokens, "format": FORMAT}

    def compute(building: Building) -> None:
        definition = tokenizer.read_bytes("tokenizer.json")
        vocab_size = int(tokenizer.read_json("card.json")["vocab_size"])
        if vocab_size > 1 << 16:
            raise ShardError(
                f"{tokenizer.path} has {vocab_size} pieces: token shards hold uint16, at most 65,536"
            )
        scratch = f"staging/{building.writer.key}-spill"
        spills, totals = _spill(building, scratch, corpus, definition.decode(), seed, by_domain)
        files = _gather(building, scratch, spills, totals, shard_tokens)
        tokenizer_hash = hashlib.sha256(definition).hexdigest()
        _write_listing(building.writer, files, tokenizer, tokenizer_hash, vocab_size, parameters)
        building.lake.delete(scratch)

    return Stage(
        asset,
        VERSION,
        compute,
        partition=corpus.manifest.partition,
        parameters=parameters,
        inputs={"corpus": corpus, "tokenizer": tokenizer},
    )


def _spill(
    building: Building, scratch: str, corpus: Dataset, definition: str, seed: int, by_domain: bool
) -> tuple[list[str], dict[str, int]]:
    """Tokenize each part of the corpus once. Returns the spilled files, and tokens by source."""
    lake = building.lake
    spills = [f"{scratch}/part-{i:05d}.parquet" for i in range(len(corpus.parts))]

    def spill(i: int) -> None:
        if lake.exists(f"{spills[i]}.json") and lake.exists(spills[i]):
            return
        table = _spill_part(corpus, i, _encoder(definition), seed, by_domain)
        lake.write_parquet(spills[i], table, compression="none", row_group_size=1024)
        totals: dict[str, int] = {}
        lengths = np.diff(_token_ends(table.column("tokens").combine_chunks()), prepend=0)
        for source, length in zip(table.column("source").to_pylist(), lengths.tolist(), strict=True):
            totals[source] = totals.get(source, 0) + length
        lake.write_json(f"{spills[i]}.json", totals)

    building.engine.map_parts(len(spills), spill)
    totals: dict[str, int] = {}
    for path in spills:
        for source, tokens in lake.read_json(f"{path}.json").items():
            totals[safe_name(source)] = totals.get(source, 0) + tokens
    return spills, totals


def _gather(
    building: Building, scratch: str, spills: list[str], totals: Mapping[str, int], shard_tokens: int
) -> dict[str, list[ShardFile]]:
    """Write the shards of every source, of about `shard_tokens` each; what was written, by source."""
    lake, writer = building.lake, building.writer
    shards = [
        (source, index, count)
        for source in sorted(totals)
        for count in [max(1, -(-totals[source] // shard_tokens))]
        for index in range(count)
    ]

    def gather(j: int) -> None:
        done = f"{scratch}/shard-{j:05d}.json"
        if not lake.exists(done):
            lake.write_json(done, _write_shard(writer, spills, *shards[j]).to_json())

    building.engine.map_parts(len(shards), gather)
    files: dict[str, list[ShardFile]] = {}
    for j, (source, _, _) in enumerate(shards):
        file = ShardFile(**lake.read_json(f"{scratch}/shard-{j:05d}.json"))
        files.setdefault(source, []).append(file)
    return files


def _write_listing(
    writer: Writer,
    files: Mapping[str, list[ShardFile]],
    tokenizer: Dataset,
    sha256: str,
    vocab_size: int,
    parameters: Mapping[str, Any],
) -> None:
    """Write shards.json and the tables it names; its sums are the dataset's stats."""
    entries = {}
    for name, shards in files.items():
        entries[name], table = pack_files(shards)
        writer.write_bytes(table_path(name), table)
    stats: dict[str, Any] = {k: sum(e[k] for e in entries.values()) for k in SUMS}
    stats["tokens_by_source"] = {name: e["tokens"] for name, e in entries.items()}
    value = {
        **parameters,
        "tokenizer_hash": sha256,
        "tokenizer": tokenizer.manifest.partition,
        "vocab_size": vocab_size,
        "end_of_document": END_OF_DOCUMENT,
        "sources": entries,
    }
    writer.write_bytes(
        LISTING, (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode(), stats
    )
