"""MinHash parameters: what fits, what they recall, one card for a lake."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from pipelines.cards.minhash import MinHashParameters
from pipelines.dedup import shingles
from pipelines.lake import Lake


def test_the_defaults_recall_what_they_promise() -> None:
    parameters = MinHashParameters()
    assert parameters.bands * parameters.rows == parameters.num_perm
    assert parameters.collision(0.7) == pytest.approx(0.810, abs=0.001)
    assert parameters.collision(0.8) == pytest.approx(0.994, abs=0.001)
    similar = [0.7 + 0.3 * n / 1000 for n in range(1001)]
    for bands, recall in ((28, 0.977), (14, 0.914)):
        found = [MinHashParameters(bands=bands).collision(s) for s in similar]
        assert sum(found) / len(found) == pytest.approx(recall, abs=0.001)
    assert parameters.collision(0.0) == 0.0 and parameters.collision(1.0) == 1.0
    assert parameters.ngram == shingles.NGRAM


@pytest.mark.parametrize(
    "wrong", [{"bands": 29}, {"rows": 0}, {"num_perm": 100}, {"ngram": 6}, {"permutations": 1}]
)
def test_what_does_not_fit_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        MinHashParameters.model_validate(wrong)


def test_a_lake_may_have_parameters_of_its_own(lake: Lake) -> None:
    assert MinHashParameters.of(lake) == MinHashParameters()
    lake.write_bytes("cards/minhash.yaml", b"num_perm: 112\nbands: 14\n")
    assert MinHashParameters.of(lake).parameters() == {
        "num_perm": 112,
        "bands": 14,
        "rows": 8,
        "ngram": 5,
        "seed": 1,
    }
