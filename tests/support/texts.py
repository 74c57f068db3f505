"""Random texts for the kernels: what folds, what stands alone, what is cut at 8, 16 or 64 bytes."""

from __future__ import annotations

from hypothesis import strategies as st

MIXED = st.text(
    alphabet=st.one_of(st.characters(codec="utf-8"), st.sampled_from("ab Z9１Ａ中文。,\n\u00df\u0130ﬁ𠀀")),
    max_size=120,
)
_PIECES = [
    *("a", "Zé", "ß", "K", "9", "１２", " ", ".", "，", "\n"),
    *("中", "文", "㐀", "か", "ก", "𠀀", "😀", "ё", "x" * 70, "7" * 64),
]
_WORDS = st.lists(st.one_of(st.sampled_from(_PIECES), st.text("aZ09", min_size=1, max_size=30)), max_size=400)
TEXTS = st.one_of(st.just(""), st.just("word"), MIXED, _WORDS.map("".join), st.text("ab 中9", max_size=3000))
