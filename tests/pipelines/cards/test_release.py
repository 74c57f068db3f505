"""Release cards: defaults, sections, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.cards.base import CardError
from pipelines.cards.contamination import ContaminationPolicy
from pipelines.cards.recurrence import RecurrencePolicy
from pipelines.cards.release import ReleaseCard


def test_card_names_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text("name: r\ndumps: [a, a]\nspeed: 3\n")
    with pytest.raises(CardError, match=r"(?s)r\.yaml.*twice.*speed"):
        ReleaseCard.load(path)
    path.write_text("name: ../r\ndumps: [a]\ncutoff_date: soon\n")
    with pytest.raises(CardError, match=r"(?s)name.*cutoff_date"):
        ReleaseCard.load(path)


def test_sections_have_their_defaults_and_refuse_what_they_do_not_know(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text("name: r\ndumps: [a]\nrecurrence: {min_hosts: 3}\ncontamination: {benchmark: mark}\n")
    card = ReleaseCard.load(path)
    assert card.recurrence == RecurrencePolicy(min_hosts=3)
    assert card.contamination == ContaminationPolicy(benchmark="mark")
    path.write_text("name: r\ndumps: [a]\nrecurrence: {hosts: 3}\ncontamination: {leakage: burn}\n")
    with pytest.raises(CardError, match=r"recurrence\.hosts: .*contamination\.leakage: "):
        ReleaseCard.load(path)
