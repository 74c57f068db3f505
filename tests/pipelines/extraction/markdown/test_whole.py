from __future__ import annotations

from tests.support.html_pages import whole_text

ROWS = "<tr><th>name</th><th>size</th></tr><tr><td>x LEFT</td><td>3</td></tr><tr><td>y</td><td>4</td></tr>"


def test_a_table_is_taken_as_a_whole_or_not_at_all() -> None:
    page = f"<p>before</p><table>{ROWS}</table><p>after</p>"
    assert whole_text(page, "LEFT").count("|") > 10 and "LEFT" in whole_text(page, "LEFT")
    rows = ROWS.replace("name", "LEFT of many words").replace("y", "LEFT and more")
    mostly = f"<p>before</p><table>{rows}</table>"
    assert whole_text(mostly, "LEFT") == "before"


def test_a_table_among_main_text_joins_it() -> None:
    rows = "<tr><td>LEFT</td><td>LEFT 3</td></tr>"
    page = f"<p>before</p><table>{rows * 2}</table><p>after</p>"
    assert whole_text(page, "LEFT") == "before\n| LEFT | LEFT 3 |\n| LEFT | LEFT 3 |\nafter"
    last = page.replace("<p>after</p>", "")
    assert whole_text(last, "LEFT") == "before\n| LEFT | LEFT 3 |\n| LEFT | LEFT 3 |"
    assert whole_text(f"<div>{last.replace('<table', '</div><aside><div><table')}", "LEFT") == "before"
    assert whole_text(page.replace("LEFT", "<a href=x>LEFT</a>"), "LEFT") == "before\nafter"


def test_the_term_of_a_definition_that_is_taken_is_taken() -> None:
    page = "<dl><dt>--LEFT-a</dt><dt>--LEFT-all</dt><dd>shows all</dd><dt>--LEFT-b</dt></dl>"
    assert whole_text(page, "LEFT") == "--LEFT-a\n--LEFT-all\nshows all"


def test_a_formula_among_main_text_joins_it() -> None:
    formula = '<div><math alttext="LEFT"><mi>x</mi></math></div>'
    assert whole_text(f"<p>a</p>{formula}<p>b</p>{formula}", "LEFT") == "a\n$LEFT$\nb"


def test_code_of_several_lines_among_main_text_joins_it() -> None:
    code = "<div>\n<code>LEFT<br>b</code>\n</div>"
    assert whole_text(f"<p>a</p>{code}<p>c</p>{code}", "LEFT") == "a\n```\nLEFT\nb\n```\nc"
    assert whole_text("<p>a</p><pre>LEFT\n b</pre><p>c</p>", "LEFT") == "a\n```\nLEFT\n b\n```\nc"
    assert whole_text("<p>a</p><pre>LEFT\nb\nc</pre>", "LEFT") == "a\n```\nLEFT\nb\nc\n```"
    assert whole_text("<p>a</p><pre>LEFT\nb</pre>", "LEFT") == "a"
    assert whole_text("<p>a</p><p><code>LEFT</code></p><p>c</p>", "LEFT") == "a\nc"


def test_code_right_before_code_that_is_taken_in_panels_of_one_element_joins_it() -> None:
    panels = "<div><div class=active><pre>LEFT</pre></div><div><pre>b</pre></div></div>"
    assert whole_text(f"<main><p>LEFT</p>{panels}<p>c</p></main>", "LEFT") == "```\nLEFT\n```\n```\nb\n```\nc"
    apart = panels.replace("</div><div><pre>b", "</div></div><div><div><pre>b")
    assert "LEFT" not in whole_text(f"<main><p>LEFT</p>{apart}<p>c</p></main>", "LEFT")


def test_code_and_formulas_at_the_path_of_others_that_are_taken_join_them() -> None:
    far = "<p>LEFT</p>" * 4
    for one in ("<pre>{}\n b</pre>", r"<p class=m>so \({}\) is</p>"):
        page = f"{one.format('a')}{far}{one.format('LEFT')}{far}"
        assert whole_text(page, "LEFT").count("LEFT") == 1
        assert "LEFT" not in whole_text(f"{one.format('a')}{far}<div>{one.format('LEFT')}</div>{far}", "LEFT")
        linked = page.replace("LEFT\n b", "<a href=x>LEFT</a>").replace(r"\(LEFT", r"\(<a href=x>LEFT</a>")
        assert "LEFT" not in whole_text(linked, "LEFT")
    table = "<table><tr><td>{}</td><td>1</td></tr><tr><td>b</td><td>2</td></tr></table>"
    both = f"{table.format('a')}{far}{table.replace('b<', 'LEFT<').replace('2', 'LEFT').format('LEFT')}{far}"
    assert whole_text(both, "LEFT").count("|") == 12


def test_a_table_with_a_head_joins_the_heading_and_table_before_it_whatever_its_links() -> None:
    head, row = ("<tr>" + f"<{cell}><a href=x>LEFT</a></{cell}>" * 3 + "</tr>" for cell in ("th", "td"))
    page = f"<h2>before</h2><table>{head}{row}</table><table>{head}{row * 2}</table>"
    assert whole_text(page, "LEFT").count("| LEFT |") == 10
    assert whole_text(page.replace("th>", "td>"), "LEFT") == "before"
