"""One dump through the library, from WARC to decisions and duplicates. No Dagster, no Spark.

    python -m examples.one_dump LAKE [WARC ...]

Without WARC files, the small pages of `examples/pages` are packed into one. Run it twice: the second
time nothing is computed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from jobs.demo.pack import PageFile, write_warc
from pipelines.cards.dump import DumpCard
from pipelines.cards.minhash import MinHashParameters
from pipelines.cards.release import ReleaseCard
from pipelines.dedup.duplicates import duplicates_stage
from pipelines.dedup.signatures import signatures_stage
from pipelines.dumps.raw_dump import raw_dump_stage
from pipelines.edits.edits import edits_stage
from pipelines.edits.render import rendered_texts
from pipelines.engine import InProcess
from pipelines.extraction.documents import documents_stage
from pipelines.extraction.split import split_stage
from pipelines.filtering.decisions import decisions_stage
from pipelines.filtering.policy import current_policy
from pipelines.lake import Built, Dataset, Lake
from pipelines.quality.classifiers import reference_classifier_stage, stem_classifier_stage
from pipelines.quality.perplexity import perplexity_models_stage
from pipelines.quality.scores import scores_stage
from pipelines.signals.signals import code_stage, language_stage, rules_stage, safety_stage
from pipelines.tables.inputs import resolve
from pipelines.tables.stage import build

PAGES = Path(__file__).with_name("pages")


def sample_warc(path: Path) -> Path:
    """The pages of examples/pages as one WARC file."""
    pages = [
        PageFile(f"https://{page.stem}.example.com/{page.name}", "", page.read_bytes())
        for page in sorted(PAGES.glob("*.html"))
    ]
    write_warc(path, pages, "2024-05-01T00:00:00Z")
    return path


def told(built: Built) -> Dataset:
    """The dataset, with a line about it."""
    found = built.dataset
    state = "computed" if built.fresh else "as it was"
    print(f"{found.manifest.asset}: {found.manifest.rows} rows, {found.content_hash[:12]}, {state}")
    return found


def main(folder: Path, files: list[Path]) -> None:
    # --8<-- [start:open]
    lake = Lake(folder)  # a folder, or s3://bucket/prefix
    engine = InProcess()  # parts one after the other; Spark("local[*]") takes its place
    files = files or [sample_warc(folder / "inputs" / "pages.warc.gz")]
    card = DumpCard(name="first", kind="warc", uris=tuple(str(f.resolve()) for f in files))
    lake.write_bytes("cards/dumps/first.yaml", card.model_dump_json().encode())
    # --8<-- [end:open]

    # --8<-- [start:documents]
    raw_dump = told(build(lake, engine, raw_dump_stage(card, folder)))
    split = told(build(lake, engine, split_stage(card, raw_dump)))  # training and validation
    documents = told(build(lake, engine, documents_stage(card, raw_dump, split)))
    edits = told(build(lake, engine, edits_stage(documents)))
    text = rendered_texts(documents, edits, 0)[0].as_py()  # what everything below reads
    print(text[:60], "...", text[-60:])
    # --8<-- [end:documents]

    # --8<-- [start:signals]
    language = told(build(lake, engine, language_stage(documents, edits)))
    signals = {
        "language": language,
        "rules": told(build(lake, engine, rules_stage(documents, edits, language))),
        "safety": told(build(lake, engine, safety_stage(documents, edits))),
        "code": told(build(lake, engine, code_stage(documents, edits))),
    }
    # Models that are trained on no dump score nothing.
    trained = (reference_classifier_stage({}), stem_classifier_stage({}), perplexity_models_stage({}))
    models = [build(lake, engine, stage).dataset for stage in trained]
    scores = told(build(lake, engine, scores_stage(documents, edits, language, *models)))
    # --8<-- [end:signals]

    # --8<-- [start:decisions]
    policy = current_policy(lake)
    decisions = told(build(lake, engine, decisions_stage(documents, signals, scores, policy)))
    urls = documents.read()["url"].to_pylist()
    for url, decision in zip(urls, decisions.read().to_pylist(), strict=True):
        print("in " if decision["keep"] else "out", url, *decision["reasons"][:3])
    # --8<-- [end:decisions]

    # --8<-- [start:duplicates]
    told(build(lake, engine, signatures_stage(documents, edits, MinHashParameters.of(lake))))
    release = resolve(lake, ReleaseCard(name="first", dumps=("first",)))
    duplicates = told(build(lake, engine, duplicates_stage(release)))
    url_of = dict(zip(documents.read()["doc_id"].to_pylist(), urls, strict=True))
    for row in duplicates.read().to_pylist():
        print(url_of[row["doc_id"]], row["kind"], f"{row['similarity']:.2f}", url_of[row["kept_id"]])
    # --8<-- [end:duplicates]


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
