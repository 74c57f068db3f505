from __future__ import annotations

import jinja2
import pytest

from reports.pages import TEMPLATES, render


def test_what_is_put_into_a_page_is_escaped() -> None:
    assert "<b>" not in render("samples.html", title="<b>", sections=[])


def test_a_value_that_is_not_given_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError, match="sections"):
        render("samples.html", title="t")


@pytest.mark.parametrize("name", sorted(p.name for p in TEMPLATES.iterdir()))
def test_no_template_loads_anything(name: str) -> None:
    text = (TEMPLATES / name).read_text(encoding="utf-8")
    assert not any(word in text for word in ("http:", "https:", "src=", "url(", "<link", "@import"))
    # Reports are files without scripts; the page of labels takes keys, and asks its own server alone.
    assert name == "labelling.html" or "<script" not in text
