"""Which of our numbers stands behind each reason of datatrove's filters.

Belongs here: names. Shared by the benchmark and the test of rules. Does not belong here: thresholds
(policies/fineweb.yaml).
"""

from __future__ import annotations

REASONS = {
    "quality": {
        "gopher_short_doc": "num_words",
        "gopher_long_doc": "num_words",
        "gopher_below_avg_threshold": "mean_token_length",
        "gopher_above_avg_threshold": "mean_token_length",
        "gopher_too_many_hashes": "hash_ratio",
        "gopher_too_many_ellipsis": "ellipsis_ratio",
        "gopher_too_many_bullets": "bullet_lines",
        "gopher_too_many_end_ellipsis": "ellipsis_lines",
        "gopher_below_alpha_threshold": "alphabetic_tokens",
        "gopher_enough_stop_words": "stop_words",
        "no words": "num_words",
    },
    "repetition": {
        "dup_para_frac": "duplicate_paragraphs",
        "dup_para_char_frac": "duplicate_paragraph_chars",
        "dup_line_frac": "duplicate_lines",
        "dup_line_char_frac": "duplicate_line_chars",
        **{f"top_{n}_gram": f"top_{n}_gram" for n in (2, 3, 4)},
        **{f"duplicated_{n}_n_grams": f"duplicate_{n}_gram" for n in range(5, 11)},
    },
    "fineweb": {
        "line_punct_ratio": "terminal_lines",
        "short_line_ratio": "short_lines",
        "char_dup_ratio": "fineweb_duplicate_line_chars",
        "list_ratio": "newline_ratio",
        "empty": "terminal_lines",
    },
    "c4": {
        "lorem_ipsum": "c4_lorem_lines",
        "curly_bracket": "c4_curly_lines",
        "too_few_sentences": "c4_sentences",
    },
    "c4_any_end": {
        "lorem_ipsum": "c4_any_end_lorem_lines",
        "curly_bracket": "c4_any_end_curly_lines",
        "too_few_sentences": "c4_any_end_sentences",
    },
}
