from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipelines.extraction.page import extract
from pipelines.extraction.plain_text import plain_text

LINE = "A line of ordinary prose, with commas, and with a full stop at the end of it."


def test_text_reads_as_that_of_a_page() -> None:
    lines = [f"{LINE} Number {n}." for n in range(4)]
    page = extract("<body>" + "".join(f"<p>{line}</p>" for line in lines)).text
    for feed in ("\n", "\r\n", "\r"):
        assert plain_text(feed.join(lines) + feed) == page
    assert plain_text("\ufeff" + "\n".join(lines).replace("ordinary", "ordi\x00na\x07ry\u200b")) == page


@given(st.text())
def test_what_is_made_stays_as_it_is(text: str) -> None:
    made = plain_text(text)
    assert plain_text(made) == made and "\r" not in made and "\0" not in made
