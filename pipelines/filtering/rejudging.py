"""Documents that lost text are measured again and judged by the policy that judged them first.

Belongs here: from a cut text to the reasons that it fails now. Does not belong here: what is cut
(release/cuts.py), any rule or threshold.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from pipelines.cards.classifier import FOLDER
from pipelines.filtering.decisions import judge
from pipelines.filtering.policy import Policy, classifiers_of, wanted_columns
from pipelines.lake import Dataset, Lake, LakeError, canonical_json, digest
from pipelines.quality.classifier_scores import score_texts
from pipelines.quality.scores import SCORES, score_rows
from pipelines.signals import code, language, rules, safety
from pipelines.tables.inputs import DumpTables

MODELS = {"reference": "reference_classifier", "stem": "stem_classifier", "perplexity": "perplexity_models"}


@dataclass(frozen=True)
class Judge:
    """The policy and the models that a dump's decisions were made with; travels to workers."""

    policy: Policy
    cutoffs: dict[str, Any]
    models: dict[str, Dataset]  # empty: the dump has no scores
    cards: dict[str, Any]
    documents: Dataset  # a document that a model learned from is scored by the other fold
    classifiers: dict[str, Dataset] = field(default_factory=dict)  # models that the policy bounds, by name

    @staticmethod
    def of(lake: Lake, tables: DumpTables) -> Judge:
        """LakeError where the decisions do not say by which policy they were made."""
        decisions = tables.need("decisions").manifest
        if "policy" not in decisions.parameters:
            raise LakeError(
                f"decisions of {tables.card.name} ({decisions.content_hash}) name no policy: rebuild"
                " decisions"
            )
        models: dict[str, Dataset] = {}
        cutoffs: dict[str, Any] = {}
        if tables.scores is not None:
            made = tables.scores.manifest
            models = {
                name: lake.open(f"tables/{asset}/all/{made.inputs[name]}") for name, asset in MODELS.items()
            }
            cutoffs = made.parameters.get("perplexity_cutoffs", {})
        cards = {name: model.read_json("card.json") for name, model in models.items()}
        policy = Policy.model_validate(decisions.parameters["policy"])
        classifiers = {
            name: _model_of(lake, name, tables.card.name, decisions.inputs[f"{FOLDER}/{name}"])
            for name in classifiers_of(policy)
        }
        return Judge(policy, cutoffs, models, cards, tables.documents, classifiers)

    @property
    def fingerprint(self) -> str:
        """What a judgement depends on besides the text."""
        return digest(
            canonical_json(self.policy.parameters()),
            canonical_json(self.cutoffs),
            *(m.content_hash for m in self.models.values()),
            *(m.content_hash for m in self.classifiers.values()),
        )

    def reasons(self, metadata: pa.Table, texts: list[str]) -> list[list[str]]:
        """Every failing reason of each text; `metadata` has doc_id, url, group, side, category."""
        if not texts:
            return []
        languages = language.measure_language(texts)
        codes = languages["language"].to_pylist()
        urls, categories, ids = (metadata[name].to_pylist() for name in ("url", "category", "doc_id"))
        measured = {
            "language": languages,
            "rules": rules.measure_prose(
                pa.array(texts, pa.string()), codes, [c != code.CATEGORY for c in categories]
            ),
            "safety": safety.measure_safety(texts, urls),
            "code": code.measure_code(texts, urls, categories, ids),
        }
        if self.models:
            origins = metadata.select(["doc_id", "side", "group"]).to_pylist()
            rows = list(zip(origins, codes, texts, strict=True))
            measured["scores"] = score_rows(self.models, self.cards, self.documents, rows)
        else:
            measured["scores"] = pa.table({f.name: pa.nulls(len(texts), f.type) for f in SCORES})
        for name, model in self.classifiers.items():
            measured[f"{FOLDER}/{name}"] = score_texts(
                model, metadata["doc_id"], pa.array(texts, pa.string()), codes
            )
        columns = {
            f"{group}/{name}": measured[group][name].combine_chunks()
            for group, names in wanted_columns(self.policy).items()
            for name in names
        }
        table, _ = judge(metadata.select(["doc_id", "category"]), columns, self.policy, self.cutoffs)
        found: list[list[str]] = table["reasons"].to_pylist()
        return found


def _model_of(lake: Lake, name: str, dump: str, content_hash: str) -> Dataset:
    """The model that the table classifiers/NAME of a dump was made with."""
    made = lake.open(f"tables/{FOLDER}/{name}/{dump}/{content_hash}").manifest
    return lake.open(f"tables/classifier_models/{name}/all/{made.inputs['model']}")
