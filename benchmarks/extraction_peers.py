"""Main text, titles and dates of pages by other people's extractors: runs under `.venv-peers`,
imports nothing of the project.

Belongs here: calling each peer as its documentation says. Does not belong here: scores
(extraction.py). Protocol: one JSON object a line on stdin (`html`, `chinese`), one on stdout for
each: `text` and `seconds` (CPU) by peer, `title` and `date` by trafilatura.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable


def peers() -> dict[str, Callable[[str, bool], str]]:
    """Page and whether it is Chinese -> main text, by name of the peer."""
    import justext
    import trafilatura
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.html import HTMLTree

    english = justext.get_stoplist("English")

    def by_justext(html: str, chinese: bool) -> str:
        # justext ships no Chinese stop list; without one its documentation sets both stop word
        # shares to 0
        words = {"stopwords_low": 0.0, "stopwords_high": 0.0} if chinese else {}
        paragraphs = justext.justext(
            html.encode(), frozenset() if chinese else english, encoding="utf-8", **words
        )
        return "\n".join(p.text for p in paragraphs if not p.is_boilerplate)

    return {
        "trafilatura": lambda html, _: trafilatura.extract(html) or "",
        "trafilatura_fast": lambda html, _: trafilatura.extract(html, fast=True) or "",
        "trafilatura_recall": lambda html, _: trafilatura.extract(html, favor_recall=True) or "",
        "resiliparse": lambda html, _: extract_plain_text(HTMLTree.parse(html), main_content=True),
        "justext": by_justext,
    }


def title_and_date(html: str) -> tuple[str, str]:
    """What trafilatura says a page is called and when it was published."""
    from trafilatura.metadata import extract_metadata

    found = extract_metadata(html)
    return (found.title or "", found.date or "") if found else ("", "")


def main() -> None:
    compared = peers()
    for line in sys.stdin:
        page = json.loads(line)
        texts: dict[str, str] = {}
        seconds: dict[str, float] = {}
        for name, extract in compared.items():
            started = time.process_time()
            try:
                texts[name] = extract(page["html"], page["chinese"])
            except Exception as error:  # a peer that fails on a page has found nothing on it
                print(f"{name} failed: {error}", file=sys.stderr)
                texts[name] = ""
            seconds[name] = time.process_time() - started
        try:
            title, date = title_and_date(page["html"])
        except Exception as error:
            print(f"trafilatura's title and date failed: {error}", file=sys.stderr)
            title = date = ""
        print(json.dumps({"text": texts, "seconds": seconds, "title": title, "date": date}), flush=True)


if __name__ == "__main__":
    main()
