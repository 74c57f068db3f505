r"""What a page looks like line by line: a question, its choices, a solution, a formula, prose.

Belongs here: the kind of a line, and whether a text holds exercises by its marks. Does not belong
here: words (features.py), models.

Exercises with solutions are told from prose about the same subject by their form more than by their
words: a question is followed by an answer. The kinds are general marks of exercises in English and
Chinese, written from knowledge of such pages and not from a list of any source; a classifier reads
them as one token a line, in order, after the words (features.py), so that pairs of them are features
too.
"""

from __future__ import annotations

import re
import unicodedata

_SOLUTION = re.compile(
    r"\W{0,3}(?:\d+\s*[.)、]\s*)?(?:solutions?|answers?|ans|sol|explanation|proof|hint)\b\s*[.:\])]"
    r"|\W{0,3}a\s*:"
    r"|\W{0,3}(?:solutions?|answers?|explanation|hint)\W*$"
    r"|\W{0,3}(?:参考)?(?:[解答]\s*[:】]|解答|答案|解析|详\s*解|分\s*析\s*】|解得|故选|证明\s*[:】])"
)
_PROBLEM = re.compile(
    r"\W{0,3}(?:problem|question|exercise|example|try it|q)s?\b\s*\d*[.:)]?"
    r"|\W{0,3}(?:例题?\s*\d|例题|题目|问题\s*:|习题|练习|思考题)"
)
_CHOICE = re.compile(r"\W?[a-e]\s*[.)、:]|\(\s*[a-e]\s*\)|\W?[ivx]+\s*\)")
_ITEM = re.compile(r"\W?\d{1,3}\s*[.)、:](?!\d)|\(\d{1,2}\)")
_MARKS = (".", ",", "/", "%")  # that a number may hold
_WORD = re.compile(r"\w")
_NUMBER = re.compile(r"(?:[\d.,/%]++\s*+(?:\([^)]{1,20}\)|[a-z%]{0,8})|[a-e])\W*+$")
_UNIT = re.compile(r"[a-z%]{1,8}\W*+$")
_REMARK = re.compile(r"\([^)]{1,20}\)\W*+$")
_SIGN = re.compile(r"[=<>+^\\$∠∴∵√≤≥≠±×÷∈∪∩{}|]|\d")
_UNDERSCORES = "___"  # to be filled in, as empty brackets at the end are
_BRACKETS = re.compile(r"\(\s*+\)")
_QUAD = re.compile(r"\(\s*+\\q?quad$")
_CLOSING = re.compile(r"\s*+\)")
# share of signs and digits, spaces apart, above which a line is a formula: a description of lines,
# not a bound on documents
FORMULA = 0.35
SHORT = 15  # characters below which a line is no sentence

_HEADING = re.compile(
    r"(?:\d+[.、)]\s*)?\W{0,3}(?:(?:worked\s+)?examples?(?:\s+\d[\d.]*)?|exercises?"
    r"|(?:practice |review |homework )?(?:problems?|questions?)|solutions?|answers?|hint|try it|quiz"
    r"|check your \w+"
    r"|[\w ]{0,30}(?:exercises|problems|questions)"
    r"|例\s*题?\s*\d*|习题|练习题?|思考题|解|解答|答案|参考答案|题目)\W*(?:\d[\d.]*\W*)?"
)
_OPENING = re.compile(
    r"\W{0,3}(?:solution|answer|(?:example|exercise|problem) \d[\d.]*|解|答|解答|答案|例\s*\d+"
    r"|习题\s*\d+)\s*[:.】]"
)
_TASK = re.compile(
    r"(?:^|[.;:)]\s+)(?:find|determine|calculate|compute|evaluate|solve|simplify|graph|sketch|draw|predict"
    r"|prove that|show that|write the"
    r"|write an? equation|what is|what are|how many|how much|how long|how far|how fast|explain why|suppose)\b"
    r"|^\W{0,3}(?:\d+[.、)]\s*)?(?:求|计算|证明|试求|试证|已知)"
)
_QUANTITY = re.compile(r"[\d=+<>^\\√≤≥≠±×÷∈∞∑∫πθ]")
QUANTITIES = (
    0.02  # share of digits and mathematical signs below which tasks and headings are not about quantities
)
MAX_HEADING = 50  # characters
MIN_TASKS = 2


def lines_of(text: str) -> list[str]:
    """The lines of a text that are not blank, NFKC, in lower case."""
    return [line.strip() for line in unicodedata.normalize("NFKC", text).lower().split("\n") if line.strip()]


def kind(line: str) -> str:
    """What a line of `lines_of` is: answer, solution, problem, choice, item, formula, short or
    prose; with ? where it asks."""
    if _is_answer(line):
        return "answer"
    if _SOLUTION.match(line):
        name = "solution"
    elif _PROBLEM.match(line):
        name = "problem"
    elif _CHOICE.match(line):
        name = "choice"
    elif _ITEM.match(line):
        name = "item"
    elif len(_SIGN.findall(line)) > FORMULA * len(line.replace(" ", "")):
        name = "formula"
    else:
        name = "short" if len(line) < SHORT else "prose"
    return name + "?" if line.rstrip(" \"'”」)").endswith("?") or _has_blank(line) else name


def _is_answer(line: str) -> bool:
    r"""Whether a line is a bare number with its unit or a remark in brackets, or a letter, between
    marks.

    In time linear in the line, what `\W*(?:[\d.,/%]+\s*(?:\([^)]{1,20}\)|[a-z%]{0,8})|[a-e])\W*$` says.
    """
    word = _WORD.search(line)
    if not word:
        return any(mark in line for mark in _MARKS)
    at = word.start()
    if _NUMBER.match(line, at):
        return True
    if not at:
        return False
    # A mark that numbers may hold stands for one before a unit or a remark.
    if line[:at].rstrip().endswith(_MARKS) and _UNIT.match(line, at):
        return True
    return any(
        line[opening] == "(" and line[:opening].rstrip().endswith(_MARKS) and _REMARK.match(line, opening)
        for opening in range(max(0, at - 20), at)
    )


def _has_blank(line: str) -> bool:
    r"""Whether a line has a blank: underscores, or brackets behind which no word comes, empty or
    with `\quad`."""
    if _UNDERSCORES in line:
        return True
    if "(" not in line:
        return False
    end = len(line)
    while end and not (line[end - 1].isalnum() or line[end - 1] == "_"):
        end -= 1
    return _BRACKETS.search(line, end) is not None or (
        "quad" in line and _QUAD.search(line, 0, end) is not None and _CLOSING.match(line, end) is not None
    )


def holds_exercises(text: str) -> bool:
    """Whether a text that no one has labelled holds exercises, wholly or in part, by its marks
    alone.

    Textbooks mix exposition with worked exercises and sections of exercises, so a label for the
    whole book is wrong for those pieces. The rule, for every source alike and before any score: at
    least QUANTITIES of the characters are digits or mathematical signs, and there is a heading of
    exercises or solutions (a line of its own, or one at the start of a line with a colon or full
    stop), or there are at least MIN_TASKS tasks (an imperative such as find or calculate at the
    start of a sentence, a question mark at the end of a line).
    """
    if len(_QUANTITY.findall(text)) < QUANTITIES * max(len(text), 1):
        return False
    lines = lines_of(text)
    if any((len(line) < MAX_HEADING and _HEADING.fullmatch(line)) or _OPENING.match(line) for line in lines):
        return True
    return sum(len(_TASK.findall(line)) + line.endswith("?") for line in lines) >= MIN_TASKS
