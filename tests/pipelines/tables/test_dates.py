from __future__ import annotations

import pyarrow as pa

from pipelines.tables.dates import DATE_COLUMNS, known_dates
from pipelines.tables.schemas import CORPUS, DOCUMENTS


def test_the_date_of_a_document_is_when_it_was_published_else_when_it_was_crawled() -> None:
    table = pa.table(
        {
            "published": pa.array(["2020-01-02", "2021", None, None], pa.string()),
            "crawled": pa.array(["2023-01-01T00:00:00Z", None, "2023-02", None], pa.string()),
        }
    )
    assert known_dates(table).to_pylist() == ["2020-01-02", "2021", "2023-02", ""]


def test_documents_and_corpora_have_both_dates() -> None:
    for schema in (DOCUMENTS, CORPUS):
        assert set(DATE_COLUMNS) < set(schema.names) and "date" not in schema.names
