"""The numbers of the rules written down plainly, with Python's strings and regular expressions.

Belongs here: what in_words.py and in_characters.py must equal. Does not belong here: anything that
a stage calls.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from typing import Any

from pipelines.signals.characters import (
    BULLETS,
    CHARACTER_ENDS,
    CLOSING,
    READ_MORE,
    STOP_WORDS,
    symbols,
    terminal_marks,
)

CLAUSE_MARK = ",;、。—"
HAN = r"\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
ALONE = rf"[{HAN}\u3041-\u3096\u30a1-\u30fa\u31f0-\u31ff]"
TOKEN = re.compile(rf"{ALONE}|(?:(?!{ALONE})[^\W_])+")
C4_SENTENCE = re.compile(r"[.?!][\"'”’)\]]*\s+(?=\S)")
CITATION = re.compile(r"\[[0-9]*]|\[edit]|\[citation needed]", re.A)
POLICY = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")


def share(part: float, whole: float) -> float:
    return part / max(whole, 1)


def doubled(items: list[str]) -> tuple[int, int]:
    seen: set[str] = set()
    count = chars = 0
    for item in items:
        count, chars = (count + 1, chars + len(item)) if item in seen else (count, chars)
        seen.add(item)
    return count, chars


def top_gram(tokens: list[str], n: int, in_characters: bool) -> int:
    """Characters of the most frequent n-gram: length x occurrences with spaces; in characters those
    that it covers."""
    grams = [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]
    if not grams:
        return 0
    best, count = Counter(grams).most_common(1)[0]
    if not in_characters:
        return len(" ".join(best)) * count
    if count == 1:
        return len("".join(best))
    covered = {k for i, g in enumerate(grams) if g == best for k in range(i, i + n)}
    return sum(len(tokens[k]) for k in covered)


def repeated_grams(tokens: list[str], n: int) -> int:
    seen: set[tuple[str, ...]] = set()
    i = chars = 0
    while i <= len(tokens) - n:
        gram = tuple(tokens[i : i + n])
        if gram in seen:
            chars += sum(map(len, gram))
            i += n
        else:
            seen.add(gram)
            i += 1
    return chars


def c4(text: str, any_end: bool) -> tuple[int, int, int]:
    sentences = lorem = curly = 0
    for line in text.splitlines():
        line = line.strip()
        words = line.split()
        if any(len(w) > 1000 for w in words):
            continue
        line = CITATION.sub("", line)
        ended = line.endswith((".", "?", "!", '"', "'")) and not line.endswith("...")
        if not (ended or any_end) or len(words) < 3 or not line:
            continue
        low = line.lower()
        if "lorem ipsum" in low:
            lorem += 1
        elif "javascript" in low:
            continue
        elif "{" in line:
            curly += 1
        elif not any(p in low for p in POLICY):
            sentences += len(C4_SENTENCE.findall(line)) + 1
    return sentences, lorem, curly


def chinese_sentences(text: str) -> int:
    """Runs of marks (closing quotes and brackets among them) that do not stand between letters or
    digits of another script."""
    marks = re.escape(CHARACTER_ENDS)
    run = re.compile(rf"[{marks}][{marks}{re.escape(CLOSING)}]*")
    outside = rf"(?!{ALONE})[^\W_]"
    count = 0
    for m in run.finditer(text):
        before, after = text[: m.start()][-1:], text[m.end() : m.end() + 1]
        tail = re.search(rf"[{marks}]+$", m[0])
        inside = (
            tail is not None
            and m[0] == tail[0]
            and all(c < "\x80" for c in m[0])
            and bool(re.fullmatch(outside, before))
            and bool(re.fullmatch(outside, after))
        )
        count += not inside
    return count


def clauses_of(text: str) -> tuple[int, float]:
    """(tokens of lines with a mark between clauses outside of brackets, share of the most frequent
    length of 4 to 8 among clauses) of a folded text."""
    marked, lengths = 0, []
    for line in text.split("\n"):
        depth, has_mark, alone, clause = 0, False, False, ""
        for char in line:
            if char.isspace():
                clause += char
            elif char.isalnum():
                alone, clause = bool(re.match(ALONE, char)), clause + char
            else:
                mark = char in CLAUSE_MARK or (char == "." and alone)
                if mark or char == ":" or char in CHARACTER_ENDS:
                    lengths.append(len(TOKEN.findall(clause)))
                    clause = ""
                clause, alone = clause + " ", False
                depth = depth + 1 if char in "([{【" else max(depth - 1, 0) if char in ")]}】" else depth
                has_mark |= mark and not depth
        lengths.append(len(TOKEN.findall(clause)))
        marked += len(TOKEN.findall(line)) if has_mark else 0
    lengths = [k for k in lengths if k]
    best = max(Counter(k for k in lengths if 4 <= k <= 8).values(), default=0)
    return marked, best / len(lengths) if len(lengths) >= 4 else 0.0


def teasers_of(text: str) -> float:
    """Share of words in blocks of a title of at most 25 words and at most four lines of at most 60
    words below it, 80 in all; 0 for fewer than five."""
    no_title = terminal_marks() | set(CLOSING) | {":"}
    found: list[int] = []
    blocks: list[list[str]] = [[]]
    for line in text.split("\n"):
        if line.split():
            blocks[-1].append(line)
        else:
            blocks.append([])
    for block in blocks:
        words = [len(line.split()) for line in block]
        below = sum(words[1:])
        titled = bool(block) and words[0] <= 25 and block[0].rstrip()[-1] not in no_title
        if titled and len(block) <= 5 and below <= 80 and max(words) <= 60:
            found.append(words[0] + below)
    return share(sum(found), len(text.split())) if len(found) >= 5 else 0.0


def plain_rules(text: str, unit: str) -> dict[str, Any]:
    """What rules.measure_rules must give for one text, by name."""
    in_characters = unit == "characters"
    num_chars = len(text)
    if in_characters:
        text = unicodedata.normalize("NFKC", text)
        tokens = [t.lower() if all(len(c.lower()) == 1 for c in t) else t for t in TOKEN.findall(text)]
        words = tokens
        stops = set(STOP_WORDS[unit]) & set(tokens)
        sentences = chinese_sentences(text)
    else:
        tokens = text.split()
        words = [t for t in tokens if set(t) - symbols()]
        stops = set(STOP_WORDS[unit]) & set(tokens)
        ends, closing = re.escape("".join(sorted(terminal_marks()))), re.escape(CLOSING)
        sentences = sum(bool(re.search(rf"[{ends}][{ends}{closing}]*$", t)) for t in tokens)
    n, chars, token_chars = len(tokens), len(text), sum(map(len, tokens))
    lines = [line for line in text.split("\n") if line.strip()]
    gopher_lines = re.split(r"\n+", text)
    paragraphs = re.split(r"\n{2,}", text.strip())
    stripped = [line.strip() for line in (lines if in_characters else text.splitlines())]
    whole = token_chars if in_characters else chars
    marks = set(CHARACTER_ENDS)
    if in_characters:
        terminal = sum(
            line.rstrip().translate({ord(c): None for c in " \t\u3000"}).rstrip(CLOSING)[-1:] in marks
            for line in lines
        )
        ellipses = (
            sum(len(run) // 3 for run in re.findall(r"[.。]+", text)) + text.count("⋯") + text.count("…")
        )
        trailing = sum(bool(re.search(r"[.。]{3}$|⋯[.。]*$", s)) for s in stripped)
        read_more: tuple[str, ...] = READ_MORE
    else:
        terminal = sum(line[-1] in terminal_marks() for line in lines)
        ellipses = text.count("...") + text.count("…")
        trailing = sum(s.endswith(("...", "…")) for s in stripped)
        read_more = ("read more", "readmore")
    line_count, line_chars = doubled(gopher_lines)
    paragraph_count, paragraph_chars = doubled(paragraphs)
    counts = Counter(tokens)
    alnum = sum(map(str.isalnum, text))
    solid_ends = [re.sub(r"[^\w]*$", "", line.replace("_", " ")).lower() for line in lines]
    strict, loose = c4(text, False), c4(text, True)
    row: dict[str, Any] = {
        "unit": unit,
        "num_chars": num_chars,
        "num_tokens": n,
        "num_words": len(words),
        "num_lines": len(lines),
        "num_sentences": sentences,
        "stop_words": len(stops),
        "max_line_length": max(map(len, lines), default=0),
        **dict(zip(("c4_sentences", "c4_lorem_lines", "c4_curly_lines"), strict, strict=True)),
        **dict(
            zip(
                ("c4_any_end_sentences", "c4_any_end_lorem_lines", "c4_any_end_curly_lines"),
                loose,
                strict=True,
            )
        ),
        "mean_token_length": share(sum(map(len, words)), len(words)),
        "hash_ratio": share(text.count("#"), n),
        "ellipsis_ratio": share(ellipses, n),
        "bullet_lines": share(sum(s.startswith(tuple(BULLETS[unit])) for s in stripped), len(stripped)),
        "ellipsis_lines": share(trailing, len(stripped)),
        "terminal_lines": share(terminal, len(lines)),
        "short_lines": share(sum(len(line) <= 30 for line in lines), len(lines)),
        "readmore_lines": share(sum(s.endswith(read_more) for s in solid_ends), len(lines)),
        "alphabetic_tokens": share(sum(any(map(str.isalpha, t)) for t in words), n),
        "alphabetic_words": share(sum(any(map(str.isalpha, t)) for t in words), len(words)),
        "duplicate_lines": line_count / len(gopher_lines),
        "duplicate_paragraphs": paragraph_count / len(paragraphs),
        "duplicate_line_chars": share(line_chars, chars),
        "duplicate_paragraph_chars": share(paragraph_chars, chars),
        "fineweb_duplicate_line_chars": share(doubled(lines)[1], chars - text.count("\n")),
        **{f"top_{k}_gram": min(share(top_gram(tokens, k, in_characters), whole), 1.0) for k in (2, 3, 4)},
        **{f"duplicate_{k}_gram": share(repeated_grams(tokens, k), whole) for k in range(5, 11)},
        "newline_ratio": share(text.count("\n"), n),
        "mean_line_length": share(sum(map(len, lines)), len(lines)),
        "alphanumeric": share(alnum, chars),
        "alphabetic": share(sum(map(str.isalpha, text)), chars),
        "digits": share(sum(map(str.isdigit, text)), alnum),
        "han": share(len(re.findall(rf"[{HAN}]", text)), token_chars),
        "brackets": share(text.count("【") + text.count("】"), chars),
        "curly_brackets": share(text.count("{"), chars),
        "letters_per_token": share(sum(map(str.isalpha, text)), n),
    }
    if in_characters:
        grams = Counter(tuple(tokens[i : i + 13]) for i in range(n - 12))
        row |= {
            "repeated_13_gram": share(sum(c for c in grams.values() if c > 1), n - 12),
            "unique_tokens": share(len(counts), n),
            "entropy": -sum(c / n * math.log(c / n) for c in counts.values()),
        }
        row |= {name: None for name in row if name.startswith("c4_")} | {"teasers": None}
        row |= dict(zip(("clause_tokens", "even_clauses"), clauses_of(text), strict=True))
    else:
        row |= dict.fromkeys(
            ("repeated_13_gram", "unique_tokens", "entropy", "clause_tokens", "even_clauses")
        )
        row["teasers"] = teasers_of(text)
    return row
