from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pipelines.extraction.html import attributes as att
from pipelines.extraction.html.names import GROUP_NAMES
from pipelines.extraction.html.tags import FNV

Array = np.ndarray[Any, Any]


def data(text: str) -> Array:
    return np.frombuffer(text.encode(), np.uint8)


def groups(text: str) -> set[str]:
    """Names of the groups that the attributes after a tag's name belong to."""
    mask = int(att.attributes(data(text), 0)[1])
    return {name for bit, name in enumerate(GROUP_NAMES) if mask >> bit & 1}


def test_attributes_end_where_the_tag_does() -> None:
    for text in (" a=\"x>y\" b='>' c=z>", " a >", ">", "/>", " a=b/>", " = = >"):
        assert att.attributes(data(text + "<p>"), 0)[0] == len(text)
    assert att.attributes(data(' a="never closed>'), 0)[0] > 10


def test_attributes_say_what_their_tag_does() -> None:
    def says(text: str) -> int:
        return int(att.attributes(data(text), 0)[3])

    assert (
        says(" HREF=x>") == att.LINKS
        and says("/>") == att.CLOSES_ITSELF
        and says(' role="main">') == att.IS_MAIN
    )
    assert says(" hidden>") == says(' style="x:1; DISPLAY : none">') == att.HIDES
    assert says(' role="menu" style="display:block" data-hidden title="href" rel=/home>') == 0


def test_words_of_class_and_id_have_groups_and_their_digits_no_meaning() -> None:
    assert groups(' class="mainNav" id=FOOTER2>') == {"main", "nav", "footer"}
    assert groups(' data-class="nav" title="footer">') == set()
    hashes = [
        int(att.attributes(data(f' class="{name}">'), 0)[2]) for name in ("post-12", "post-345", "port-12")
    ]
    assert hashes[0] == hashes[1] != hashes[2] and int(FNV) not in hashes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (" role=table>", att.IS_TABLE),
        (" role=grid>", att.IS_TABLE),
        (" role=row>", att.IS_ROW),
        (" role=rowheader>", att.IS_CELL),
        (" role=columnheader>", att.IS_CELL),
        (" role=cell>", att.IS_CELL),
        (" role=gridcell>", att.IS_CELL),
        (" role=tabpanel>", att.IS_SHOWN),
        (" role=region>", att.IS_SHOWN),
        (" role=rowgroup>", 0),
        (" role=treeitem>", 0),
        (" name=code>", att.IS_SOURCE),
        (" name=case>", 0),
        (" id=L12>", att.IS_LINE_ID),
        (" id=Live>", 0),
    ],
)
def test_roles_and_names_of_known_elements(text: str, said: int) -> None:
    assert int(att.attributes(data(text), 0)[3]) == said
