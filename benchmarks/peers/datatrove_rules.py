"""datatrove's own filters, for the benchmark and the test of rules. Run by the Python of
.venv-peers; imports nothing of the project.

Belongs here: datatrove with its word tokenizer set to `str.split`, and a sentence split to match.
Does not belong here: comparing.

    python benchmarks/peers/datatrove_rules.py TEXTS.jsonl ANSWERS.jsonl

TEXTS: one JSON string a line. ANSWERS: for each text {filter: "" or the reason of its first
failure}. Then, for each line on standard input, `all` runs every filter on every text and `chain`
stops a text at its first failure; each answers with CPU seconds.
"""

import json
import re
import sys
import time
from pathlib import Path

from datatrove.data import Document
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)
from datatrove.utils import text as datatrove_text
from datatrove.utils import word_tokenizers

SENTENCE = re.compile(r"[.?!][\"'”’)\]]*\s+(?=\S)")


class Split:
    """White space between words; a sentence ends at .?! (closing quotes and brackets after it)
    before white space."""

    def word_tokenize(self, text):
        return text.split()

    def span_tokenize(self, text):
        ends = [m.end() for m in SENTENCE.finditer(text)] + [len(text)]
        return list(zip([0, *ends[:-1]], ends, strict=True))


word_tokenizers.load_word_tokenizer = lambda language: Split()

FILTERS = {
    "quality": GopherQualityFilter(),
    "repetition": GopherRepetitionFilter(),
    "fineweb": FineWebQualityFilter(),
    "c4": C4QualityFilter(),
    "c4_any_end": C4QualityFilter(filter_no_terminal_punct=False),  # as FineWeb uses it
}
TIMED = ("quality", "repetition", "fineweb", "c4")


def reason(filter_, text):
    """ "" where the filter keeps the text."""
    try:
        answer = filter_.filter(Document(text=text, id=""))
    except ZeroDivisionError:
        return "no words"
    return "" if answer is True else answer[1]


def run(texts, names, chain):
    started = time.process_time()
    for text in texts:
        datatrove_text.split_into_parts.cache_clear()
        for name in names:
            if reason(FILTERS[name], text) and chain:
                break
    return time.process_time() - started


def main():
    texts = [json.loads(line) for line in Path(sys.argv[1]).read_text(encoding="utf-8").split("\n") if line]
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        for text in texts:
            print(json.dumps({name: reason(f, text) for name, f in FILTERS.items()}), file=out)
    print("ready", flush=True)
    for line in sys.stdin:
        print(run(texts, TIMED, line.strip() == "chain"), flush=True)


main()
