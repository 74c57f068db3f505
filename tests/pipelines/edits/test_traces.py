"""A form of personal data is tried where its traces are, and matches nothing elsewhere."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.edits import traces
from pipelines.edits.one_byte import in_bytes
from pipelines.edits.personal_patterns import FORMS, Form
from tests.support.personal_data import labelled_strings


def held(text: str) -> int:
    return traces.traces_in(np.frombuffer(in_bytes(text)[0], np.uint8))


def test_what_a_form_needs_stands_in_all_that_it_matches() -> None:
    draw = random.Random(2)
    pieces = [piece for _, line in labelled_strings() for piece, _ in line]
    texts = ["".join(draw.choices(pieces, k=3)) for _ in range(4000)]
    known = [(held(text), in_bytes(text)[0]) for text in texts]
    for kind, needs, pattern in FORMS:
        for found, data in known:
            if pattern.search(data):
                assert found & needs == needs, (kind, bytes(data))


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.kind)
def test_no_form_matches_without_its_traces(form: Form) -> None:
    @settings(max_examples=30, deadline=None, derandomize=True)
    @given(st.from_regex(form.pattern))
    def check(data: bytes) -> None:
        if form.pattern.search(data):
            assert traces.traces_in(np.frombuffer(data, np.uint8)) & form.needs == form.needs, data

    check()


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        ("", 0),
        ("A page of prose, written on 2023-11-05.", 0),
        ("Call me, 5 November 2023, 12:30:59", 0),
        ("a@b.cn", traces.AT),
        ("user (at) host", traces.AT_IN_BRACKETS),
        ("C++11", traces.PLUS),
        ("C++", 0),
        ("1.2.3.4", traces.ADDRESS),
        ("1.2.3456.7.8", 0),
        ("12345.2.3.4", traces.ADDRESS),
        ("0571 - 88888888", traces.DIGITS_10),
        ("1" * 15, traces.DIGITS_10 | traces.DIGITS_15),
        ("+86 571", traces.PLUS | traces.CHINA),
        ("Ｔｅｌ１２３４５６７", traces.NAMED_7),
        ("电话在这里，号码在下面的那一行里面写着，请您往下看，谢谢：1234567", 0),
        ("加Ｑ", traces.QQ),
        ("微信", traces.WECHAT),
        ("Social security, SSN", traces.SSN),
        ("护照 passport", traces.PASSPORT),
    ],
)
def test_traces_of_a_text(text: str, bits: int) -> None:
    assert held(text) == bits
