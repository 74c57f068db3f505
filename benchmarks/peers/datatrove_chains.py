"""datatrove's shipped chains on texts, for benchmarks.decisions. Run by the Python of .venv-peers;
imports nothing of the project.

    python benchmarks/peers/datatrove_chains.py TEXTS.jsonl ANSWERS.jsonl JIEBA

TEXTS: {"language": en or zh, "text"} a line. ANSWERS: for each text {chain: whether it is kept}. JIEBA:
the folder that holds the package jieba, which datatrove splits Chinese with. English: `gopher`
(repetition, quality) and `fineweb` (both, C4 without its demand on line ends, FineWeb's own rules) as
examples/fineweb.py has them. Chinese: `fineweb2`, thresholds of fineweb-2's configs/cmn_Hani.yml.
"""

import json
import sys
from pathlib import Path

from datatrove.data import Document
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)

STOP_WORDS = list("的年在月是和日了於为") + list("為有被人中他與後也而由")
GOPHER = (GopherRepetitionFilter(), GopherQualityFilter())
CHAINS = {
    "en": {
        "gopher": GOPHER,
        "fineweb": (*GOPHER, C4QualityFilter(filter_no_terminal_punct=False), FineWebQualityFilter()),
    },
    "zh": {
        "fineweb2": (
            GopherRepetitionFilter(
                language="cmn_Hani",
                dup_para_frac=0,
                dup_line_char_frac=0,
                dup_para_char_frac=0,
                dup_line_frac=0.287,
                top_n_grams=((2, 0.256), (3, 0.201), (4, 0.171)),
                dup_n_grams=((5, 0.198), (6, 0.182), (7, 0.167), (8, 0.154), (9, 0.14), (10, 0.127)),
            ),
            FineWebQualityFilter(
                language="cmn_Hani",
                short_line_thr=999,
                char_duplicates_ratio=0.1,
                line_punct_thr=0.106,
                new_line_ratio=0.178,
            ),
            GopherQualityFilter(
                language="cmn_Hani",
                min_avg_word_length=1,
                max_avg_word_length=5,
                max_non_alpha_words_ratio=0.735,
                min_stop_words=2,
                stop_words=STOP_WORDS,
            ),
        )
    },
}


def kept(filters, text):
    """Whether every filter of a chain keeps the text."""
    for one in filters:
        try:
            answer = one.filter(Document(text=text, id=""))
        except ZeroDivisionError:
            return False
        if answer is not True:
            return False
    return True


def main():
    sys.path.append(sys.argv[3])
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        for line in Path(sys.argv[1]).read_text(encoding="utf-8").split("\n"):
            if line:
                row = json.loads(line)
                answers = {name: kept(c, row["text"]) for name, c in CHAINS[row["language"]].items()}
                print(json.dumps(answers), file=out)


main()
