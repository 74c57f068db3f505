from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from pipelines.cards.release import CorpusBucket, ReleaseCard
from pipelines.corpora.assembly import corpus_stage
from pipelines.corpora.buckets import bucket_values
from pipelines.engine import InProcess
from pipelines.lake import Lake, LakeError, Writer
from pipelines.quality.classifier_scores import schema_of
from pipelines.tables.inputs import ReleaseTables
from pipelines.tables.stage import build
from tests.support.assembled import assemble
from tests.support.release_samples import make_release, prose

BUCKETS = {
    "q": {"column": "classifiers/edu/score", "edges": [1.0, 3.0]},
    "topic": {"column": "classifiers/topic/label"},
}
EDU, TOPIC = [0.5, 1.0, 4.2, None], ["law", "science", "science", None]


def test_an_edge_begins_the_next_bucket_and_nothing_is_none() -> None:
    numbers = CorpusBucket(column="classifiers/edu/score", edges=(0.1, 3.0))
    values = pa.array([0.0, 0.1, 2.9, 3.0, 9.0, None], pa.float32())
    assert bucket_values("q", numbers, values).to_pylist() == ["q0", "q1", "q1", "q2", "q2", "none"]
    labels = CorpusBucket(column="classifiers/topic/label")
    assert bucket_values("t", labels, pa.array(["law", None])).to_pylist() == ["law", "none"]


def release_of(lake: Lake, **card: Any) -> ReleaseTables:
    """Four documents of one dump with tables of two classifiers."""
    rows = [{"text": prose(name)} for name in ("cat", "dog", "owl", "fox")]
    release = make_release(lake, {"a": rows}, **card)
    tables = release.dumps["a"]
    ids = tables.documents.read(["doc_id"])["doc_id"].combine_chunks()

    def table(name: str, columns: list[str], values: list[Any]) -> Any:
        made = pa.table([ids, *(pa.array(v) for v in values)], names=["doc_id", *columns]).cast(
            schema_of(columns)
        )

        def write(writer: Writer) -> None:
            writer.write_table("part-00000.parquet", made)

        parameters = {"columns": columns}
        return lake.publish(f"classifiers/{name}", "a", version=1, parameters=parameters, write=write).dataset

    made = {"edu": table("edu", ["score"], [EDU]), "topic": table("topic", ["label", "score"], [TOPIC, EDU])}
    return ReleaseTables(release.card, {"a": replace(tables, classifiers=made)})


def test_a_corpus_has_a_column_for_each_bucket_and_counts_them(lake: Lake) -> None:
    built = assemble(lake, release_of(lake, buckets=BUCKETS))["main"].dataset
    table = built.read()
    found = sorted(zip(table["q"].to_pylist(), table["topic"].to_pylist(), strict=True))
    assert found == [("none", "none"), ("q0", "law"), ("q1", "science"), ("q2", "science")]
    assert {k: v["documents"] for k, v in built.stats["buckets"].items()} == {
        "none/none": 1,
        "q0/law": 1,
        "q1/science": 1,
        "q2/science": 1,
    }


def test_other_edges_compute_the_corpora_alone_and_no_buckets_change_nothing(
    lake: Lake, engine: InProcess
) -> None:
    plain = release_of(lake)
    before = assemble(lake, plain)
    assert "buckets" not in before["main"].dataset.manifest.parameters
    divided = replace(
        plain,
        card=plain.card.model_copy(update={"buckets": {"q": CorpusBucket.model_validate(BUCKETS["q"])}}),
    )
    decided = before["release_decisions"].dataset
    after = build(lake, engine, corpus_stage(divided, decided, "main"))
    assert after.fresh and after.dataset.read().drop_columns(["q"]).equals(before["main"].dataset.read())
    assert not build(lake, engine, corpus_stage(plain, decided, "main")).fresh


@pytest.mark.parametrize(
    ("bucket", "sentence"),
    [
        (
            {"q": {"column": "classifiers/edu/grade", "edges": [1]}},
            "no column 'grade' in classifiers/edu; it has score",
        ),
        ({"q": {"column": "classifiers/edu/score"}}, "is a number: give `edges`"),
        ({"q": {"column": "classifiers/topic/label", "edges": [1]}}, "is a label: leave out `edges`"),
        ({"q": {"column": "classifiers/none/score", "edges": [1]}}, "has no classifiers/none yet"),
        ({"text": {"column": "classifiers/topic/label"}}, "a corpus has a column 'text'"),
    ],
)
def test_a_bucket_of_what_is_not_there_is_refused(lake: Lake, bucket: dict[str, Any], sentence: str) -> None:
    release = release_of(lake, buckets=bucket)
    with pytest.raises(LakeError, match=sentence):
        assemble(lake, release)


@pytest.mark.parametrize(
    ("bucket", "sentence"),
    [
        ({"q": {"column": "rules/num_words", "edges": [1]}}, "use classifiers/NAME/COLUMN or scores/COLUMN"),
        ({"q": {"column": "classifiers/edu/score", "edges": [2, 1]}}, "ascending order"),
        ({"Q/x": {"column": "classifiers/topic/label"}}, "small letters"),
    ],
)
def test_a_bucket_that_a_card_cannot_name_is_refused(bucket: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        ReleaseCard(name="r", dumps=("a",), buckets=bucket)
