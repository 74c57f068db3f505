"""Texts and small corpora for the tests of the tokenizer and the shards. Generated, so that no data
is needed."""

from __future__ import annotations

import random

import pyarrow as pa

from pipelines.lake import Dataset, Lake, Writer
from pipelines.tables.schemas import CORPUS, document_id

CHINESE = [
    "我们",
    "研究",
    "语言",
    "模型",
    "数据",
    "训练",
    "中国",
    "大学",
    "计算机",
    "科学",
    "的",
    "在",
    "是",
    "很",
    "重要",
    "问题",
]
ENGLISH = [
    "the",
    "model",
    "training",
    "data",
    "language",
    "reads",
    "tokens",
    "of",
    "documents",
    "and",
    "writes",
    "shards",
    "def",
    "return",
]


def sample_texts(number: int = 60, seed: int = 0) -> list[tuple[str, str]]:
    """(language, text) pairs, alternating."""
    rng = random.Random(seed)
    texts = []
    for i in range(number):
        if i % 2:
            texts.append(
                (
                    "zh",
                    "".join(rng.choice(CHINESE) + ("，" if rng.random() < 0.2 else "") for _ in range(80))
                    + "。\n",
                )
            )
        else:
            texts.append(
                ("en", " ".join(rng.choice(ENGLISH) for _ in range(80)) + f" {rng.random()}.\n    x = {i}\n")
            )
    return texts


def corpus(
    lake: Lake,
    texts: list[tuple[str, str]],
    parts: int = 3,
    name: str = "skypile_main",
    domain: str = "",
    buckets: dict[str, list[str]] | None = None,
) -> Dataset:
    """A published corpus of the texts, dealt over `parts` files; with `domain`, a validation set; with
    `buckets`, values of these columns, dealt in turn."""
    schema = CORPUS.append(pa.field("domain", pa.string())) if domain else CORPUS
    for bucket in buckets or {}:
        schema = schema.append(pa.field(bucket, pa.string()))

    def write(writer: Writer) -> None:
        for part in range(parts):
            rows = [
                {
                    "doc_id": document_id("dump", "file.warc.gz", i),
                    "url": f"https://host.invalid/{i}",
                    "dump": "dump",
                    "file": "file.warc.gz",
                    "offset": i,
                    "group": "host.invalid",
                    "published": None,
                    "crawled": None,
                    "language": language,
                    "category": "webpages",
                    "text": text,
                    "domain": domain,
                    **{bucket: values[i % len(values)] for bucket, values in (buckets or {}).items()},
                }
                for i, (language, text) in list(enumerate(texts))[part::parts]
            ]
            writer.write_table(f"part-{part:05d}.parquet", pa.Table.from_pylist(rows, schema=schema))

    return lake.publish(
        name,
        "test",
        version=1,
        parameters={"parts": parts, "texts": len(texts), "domain": domain}
        | ({"buckets": [{"name": bucket} for bucket in buckets]} if buckets else {}),
        write=write,
    ).dataset
