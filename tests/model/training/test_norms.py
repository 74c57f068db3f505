from __future__ import annotations

import pytest

from model.training.norms import group_names, group_of


@pytest.mark.parametrize(("layers", "groups"), [(52, 6), (3, 5), (1, 3)])
def test_every_parameter_has_a_group_from_first_to_last(layers: int, groups: int) -> None:
    names = group_names(layers)
    assert len(names) == groups
    found = [group_of(f"model.layers.{i}.mlp.up_proj.weight", layers) for i in range(layers)]
    assert found == sorted(found) and set(found) == set(range(1, groups - 1))
    assert names[group_of("model.embed_tokens.weight", layers)] == "embedding"
    assert names[group_of("model.norm.weight", layers)] == names[group_of("lm_head.weight", layers)] == "head"
