"""The columns of signals/rules: their order, their names and their meaning, in one list of each
type.

Belongs here: what is measured, by name. Does not belong here: how (in_words.py, in_characters.py).

Kernels write into one row of an array; a number's place is `COUNT.name` or `SHARE.name`, which
Numba compiles to a constant. The table's schema is made from these lists too. Lines are not blank
unless said otherwise.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple, get_type_hints


class Counts(NamedTuple):
    """Columns of whole numbers, int32; each field is the place of one."""

    num_chars: Annotated[int, "characters of the rendered text"]
    num_tokens: Annotated[int, "tokens"]
    num_words: Annotated[int, "tokens that are not punctuation alone"]
    num_lines: Annotated[int, "lines"]
    num_sentences: Annotated[int, "ends of sentences; closing quotes and brackets belong to them"]
    stop_words: Annotated[int, "different stop words"]
    max_line_length: Annotated[int, "characters of the longest line"]
    clause_tokens: Annotated[
        int, "tokens of lines with a mark between clauses, brackets left out (clauses.py); not in words"
    ]
    c4_sentences: Annotated[int, "sentences in the lines that C4 retains; not in characters, like all c4_*"]
    c4_lorem_lines: Annotated[int, "retained lines with lorem ipsum"]
    c4_curly_lines: Annotated[int, "retained lines with a curly bracket"]
    c4_any_end_sentences: Annotated[int, "sentences where a line may end in any way, as FineWeb uses C4"]
    c4_any_end_lorem_lines: Annotated[int, "lines with lorem ipsum where a line may end in any way"]
    c4_any_end_curly_lines: Annotated[int, "lines with a curly bracket where a line may end in any way"]


class Shares(NamedTuple):
    """Columns of shares and means, float32; each field is the place of one. A share is 0 where
    there is nothing to take a share of."""

    mean_token_length: Annotated[int, "characters of a token that is not punctuation alone"]
    hash_ratio: Annotated[int, "# for each token"]
    ellipsis_ratio: Annotated[int, "ellipses for each token"]
    bullet_lines: Annotated[int, "share of lines that begin with a bullet; in words, of str.splitlines"]
    ellipsis_lines: Annotated[int, "share of lines that end with an ellipsis; in words, of str.splitlines"]
    terminal_lines: Annotated[int, "share of lines that end a sentence"]
    short_lines: Annotated[int, "share of lines of 30 characters or fewer"]
    readmore_lines: Annotated[int, "share of lines that end in `read more` and the like"]
    alphabetic_tokens: Annotated[int, "share of tokens with a letter"]
    alphabetic_words: Annotated[int, "share of words, tokens of punctuation left out, with a letter"]
    duplicate_lines: Annotated[int, "share of lines that were there before"]
    duplicate_paragraphs: Annotated[int, "share of paragraphs that were there before"]
    duplicate_line_chars: Annotated[int, "share of characters in such lines"]
    duplicate_paragraph_chars: Annotated[int, "share of characters in such paragraphs"]
    fineweb_duplicate_line_chars: Annotated[
        int, "share of characters in lines seen before, line feeds left out"
    ]
    top_2_gram: Annotated[int, "share of characters in the most frequent 2-gram"]
    top_3_gram: Annotated[int, "share of characters in the most frequent 3-gram"]
    top_4_gram: Annotated[int, "share of characters in the most frequent 4-gram"]
    duplicate_5_gram: Annotated[int, "share of characters in 5-grams that were there before"]
    duplicate_6_gram: Annotated[int, "share of characters in 6-grams that were there before"]
    duplicate_7_gram: Annotated[int, "share of characters in 7-grams that were there before"]
    duplicate_8_gram: Annotated[int, "share of characters in 8-grams that were there before"]
    duplicate_9_gram: Annotated[int, "share of characters in 9-grams that were there before"]
    duplicate_10_gram: Annotated[int, "share of characters in 10-grams that were there before"]
    repeated_13_gram: Annotated[int, "share of 13-grams that recur (EvalWeb); not in words"]
    newline_ratio: Annotated[int, "line feeds for each token"]
    mean_line_length: Annotated[int, "characters of a line"]
    alphanumeric: Annotated[int, "share of characters"]
    alphabetic: Annotated[int, "share of characters"]
    digits: Annotated[int, "share of letters and digits"]
    han: Annotated[int, "share of tokens' characters"]
    unique_tokens: Annotated[int, "different tokens for each token; not in words"]
    entropy: Annotated[int, "of tokens, in nats; not in words"]
    brackets: Annotated[int, "share of characters that are lenticular brackets"]
    curly_brackets: Annotated[int, "share of characters that are {"]
    letters_per_token: Annotated[int, "letters for each token"]
    even_clauses: Annotated[
        int, "share of clauses of the most frequent length of verse (clauses.py); not in words"
    ]
    teasers: Annotated[
        int, "share of words in blocks of a title and a line or two (teasers.py); not in characters"
    ]


COUNT = Counts(*range(len(Counts._fields)))
SHARE = Shares(*range(len(Shares._fields)))
MEANINGS: dict[str, str] = {
    name: hint.__metadata__[0]
    for columns in (Counts, Shares)
    for name, hint in get_type_hints(columns, include_extras=True).items()
}
# Columns that are null in a unit.
NOT_IN: dict[str, str] = {name: "characters" for name in Counts._fields if name.startswith("c4_")}
NOT_IN |= {"teasers": "characters"}
NOT_IN |= dict.fromkeys(
    ("repeated_13_gram", "unique_tokens", "entropy", "clause_tokens", "even_clauses"), "words"
)
