from __future__ import annotations

import pytest

from tests.support.html_pages import whole_text

HEAD = "<tr><th>Function</th><th>Error</th></tr>"


def test_rows_of_data_stand_between_pipes() -> None:
    table = f"<table>{HEAD}<tr><td>gamma</td><td>a|b<br>c</td></tr><tr><td></td><td>2</td></tr></table>"
    assert whole_text(table) == "| Function | Error |\n| --- | --- |\n| gamma | a\\|b c |\n|  | 2 |"


def test_formulas_spans_captions_and_code_in_cells() -> None:
    row = '<tr><td colspan="2"><math><mi>x</mi></math></td></tr><tr><td><pre>f(x)</pre></td><td>3</td></tr>'
    assert whole_text(f"<table><caption>Errors</caption>{HEAD}{row}</table>") == (
        "Errors\n| Function | Error |\n| --- | --- |\n| $x$ |  |\n| f(x) | 3 |"
    )


def test_cells_of_several_rows_and_columns_leave_their_places_empty() -> None:
    rows = "<tr><td rowspan=2>a</td><td>1</td></tr><tr><td>2</td></tr><tr><td>b</td><td>3</td></tr>"
    assert whole_text(f"<table>{HEAD}{rows}</table>").endswith("| a | 1 |\n|  | 2 |\n| b | 3 |")
    groups = "<tr><th rowspan=2>a</th><th colspan=2>b</th></tr><tr><th>c</th><th>d</th></tr>"
    body = "<tr><td>1</td><td rowspan=2>2</td><td>3</td></tr><tr><td>4</td><td>5</td></tr>"
    assert whole_text(f"<table>{groups}{body}</table>") == (
        "| a | b |  |\n| --- | --- | --- |\n|  | c | d |\n| 1 | 2 | 3 |\n| 4 |  | 5 |"
    )


@pytest.mark.parametrize("cell", ["div", "span"])
def test_tables_of_other_elements_by_their_roles(cell: str) -> None:
    def row(role: str, *texts: str) -> str:
        return f"<div role=row>{''.join(f'<{cell} role={role}>{t}</{cell}>' for t in texts)}</div>"

    rows = row("columnheader", "name", "size") + row("cell", "x", "3") + row("gridcell", "y", "4")
    assert whole_text(f"a<div role=table><div role=rowgroup>{rows}</div></div>b") == (
        "a\n| name | size |\n| --- | --- |\n| x | 3 |\n| y | 4 |\nb"
    )


def test_tables_that_arrange_a_page_are_text() -> None:
    assert (
        whole_text("<table><tr><td><p>one</p><p>two</p></td><td>three</td></tr></table>") == "one\ntwo\nthree"
    )
    cells = f"<tr><td>a</td><td>{'long text ' * 300}</td></tr>"
    assert "|" not in whole_text(f"<table>{cells * 2}</table>")
    inner = f"<table>{HEAD}<tr><td>1</td><td>2</td></tr></table>"
    text = whole_text(f"<table><tr><td>menu</td><td>{inner}</td></tr><tr><td>a</td><td>b</td></tr></table>")
    assert text.startswith("menu\n| Function | Error |") and "| a |" not in text
    assert (
        whole_text(f'<table role="presentation">{HEAD}<tr><td>1</td><td>2</td></tr></table>')
        == "Function Error\n1 2"
    )


def test_short_cells_of_one_row_share_a_line() -> None:
    assert whole_text("<table><tr><td>甲</td><td>一百二十三，四</td></tr></table>") == "甲 一百二十三，四"


def test_forms_and_buttons_in_cells_leave_a_table_of_data() -> None:
    buy = "<div><a href=x>Buy now</a></div>"
    rows = "".join(f"<tr><td>lamp {n}{buy}</td><td>{n}</td></tr>" for n in (1, 2, 3))
    assert whole_text(f"<table>{HEAD}{rows}</table>").endswith(
        "| lamp 1 | 1 |\n| lamp 2 | 2 |\n| lamp 3 | 3 |"
    )
    form = "<tr><td>1</td><td><form><input></form>2</td></tr>"
    assert whole_text(f"<table>{HEAD}{form * 2}</table>").endswith("| 1 | 2 |\n| 1 | 2 |")
    assert "|" not in whole_text(f"<table>{form * 2}</table>")


def test_a_row_with_code_of_several_lines_is_no_row() -> None:
    code = "<pre><code class=language-python>if x:\n    y = 1</code></pre>"
    rows = f"<tr><td>{code}</td><td>sets it</td></tr><tr><td><pre>z = 2</pre></td><td>sets z</td></tr>"
    whole = "<tr><td colspan=2><pre>print(z)</pre></td></tr>"
    assert whole_text(f"<table>{HEAD}{rows}{whole}</table>") == (
        "| Function | Error |\n| --- | --- |\n```python\nif x:\n    y = 1\n```\nsets it\n| z = 2 | sets z |\n"
        "```\nprint(z)\n```"
    )


def test_a_cell_of_all_rows_and_equations_side_by_side() -> None:
    rows = "<tr><td rowspan=0>a</td><td>1</td></tr><tr><td>2</td></tr><tr><td>3</td></tr>"
    assert whole_text(f"<table>{HEAD}{rows}</table>").endswith("| a | 1 |\n|  | 2 |\n|  | 3 |")
    cells = "<td></td><td><math alttext='a'></math></td><td><math alttext='=b'></math></td><td>(2)</td>"
    equation = f"<table class='ltx_equationgroup ltx_eqn_table'>{f'<tr>{cells}</tr>' * 2}</table>"
    assert whole_text(equation) == "$a$ $=b$ (2)\n" * 1 + "$a$ $=b$ (2)"


def test_a_text_beside_its_menu_is_text_and_long_cells_of_data_are_rows() -> None:
    words = "The tide at the old harbour rises and falls twice a day. " * 2
    menu = "<td><a href=/>Home</a><br><a href=/b>Boats</a></td>"
    body = f"<td>{f'<p>{words}' * 4}</td>"
    page = f"<table><tr><td colspan=2>The Harbour Pages</td></tr><tr>{menu}{body}</tr></table>"
    assert "|" not in whole_text(page)
    last = "<tr><td>1904</td><td><p>a</p><p>b</p></td></tr>"
    data = f"<table><tr><td>1903</td><td>{words}</td></tr>{last}</table>"
    assert whole_text(data).count("|") == 6
    headed = f"<table><tr><th>Year<th>Text</tr><tr><td>1903</td>{body}</tr></table>"
    assert whole_text(headed).startswith("| Year | Text |")
