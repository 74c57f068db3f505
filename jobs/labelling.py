"""Serving the page on which a person labels documents of a dump.

Belongs here: a sitting (what was drawn, what is answered, undo), its addresses, where it listens. Does
not belong here: the draw (pipelines/inspection), the file of labels (pipelines/cards/labels.py), the
page (reports/labelling.py), whose requests are refused (jobs/guard.py).
"""

from __future__ import annotations

import json
import secrets
import socket
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from pipelines.cards.base import CardError
from pipelines.cards.labels import NAME_CHARACTERS, Label, put_label, read_labels, withdraw_label
from pipelines.edits.personal_data import mask
from pipelines.edits.render import rendered_texts
from pipelines.inspection.label_sample import Drawn, draw
from pipelines.inspection.labelled import content_of, find_labelled
from pipelines.inspection.numbers import numbers_of, published_policy
from pipelines.lake import Lake, LakeError
from pipelines.tables.inputs import DumpTables
from reports.labelling import LabelView, NumberLine, PolicyView, empty_page, page

NEAREST = 8
"""Numbers within their bounds that are shown, the nearest first."""
BODY_BYTES = 16 * 1024


class Sitting:
    """One person before a sample of a dump. Methods may be called from several threads.

    Numbers count from 1, in the order of the draw. What others, or the person in another window,
    write in the meantime is seen: the file of labels is read each time.
    """

    def __init__(self, lake: Lake, tables: DumpTables, labeller: str, count: int) -> None:
        if not 0 < len(labeller) <= NAME_CHARACTERS or labeller != _one_line(labeller):
            raise LakeError(
                f"labeller {labeller!r}: use a name of one line, of at most {NAME_CHARACTERS} letters"
            )
        self.lake, self.tables, self.labeller = lake, tables, labeller
        self.policy = published_policy(tables)
        self.drawn = draw(tables, count)
        self.undoable: list[int] = []
        own = [one for one in read_labels(lake, self.dump) if one.labeller == labeller]
        # of another text than is there now: asked again
        self._stale = set(find_labelled(tables, own).changed)
        self._lock = threading.Lock()

    @property
    def dump(self) -> str:
        return self.tables.card.name

    def answers(self) -> dict[int, Label]:
        """What this person has said of the drawn documents, by number."""
        own = {
            one.doc_id: one
            for one in read_labels(self.lake, self.dump)
            if one.labeller == self.labeller and one not in self._stale
        }
        ids = ((number, drawn.doc_id.hex()) for number, drawn in enumerate(self.drawn, 1))
        return {number: own[doc_id] for number, doc_id in ids if doc_id in own}

    def next_number(self, after: int = 0) -> int:
        """The first document behind `after` that is not answered, from the beginning again where there
        is none; the one behind `after` where all are answered."""
        answered = self.answers()
        count = len(self.drawn)
        order = [(after + step - 1) % count + 1 for step in range(1, count + 1)]
        return next((number for number in order if number not in answered), order[0])

    def view(self, number: int) -> LabelView:
        """What is shown of a document; what the policy says, where this person has answered."""
        drawn, answers = self.drawn[number - 1], self.answers()
        row = np.array([drawn.row], np.int64)
        names = ["url", "title", "category"]
        about = self.tables.documents.read_part(drawn.part, names, row).to_pylist()[0]
        label = answers.get(number)
        return LabelView(
            dump=self.dump,
            labeller=self.labeller,
            number=number,
            of=len(self.drawn),
            answered=len(answers),
            title=mask(about["title"] or ""),
            url=mask(about["url"] or ""),
            language=drawn.language,
            category=about["category"],
            text=self._text(drawn),
            label=label,
            policy=self._policy_view(drawn) if label else None,
        )

    def answer(self, number: int, verdict: str, kind: str, why: str) -> None:
        """Keep an answer; a verdict that was given stays, kind and reason may follow. LakeError where
        another verdict is given for a document that is answered."""
        with self._lock:
            drawn, known = self.drawn[number - 1], self.answers().get(number)
            if known and known.verdict != verdict:
                raise LakeError(f"document {number} is answered with {known.verdict}: undo that first")
            row = np.array([drawn.row], np.int64)
            place = self.tables.documents.read_part(drawn.part, ["url", "group"], row).to_pylist()[0]
            label = Label.model_validate(
                {
                    "dump": self.dump,
                    "doc_id": drawn.doc_id.hex(),
                    "url": _one_line(mask(place["url"] or "")),
                    "group": _one_line(mask(place["group"] or "")),
                    "content": content_of(self._text(drawn)),
                    "verdict": verdict,
                    "kind": kind,
                    "why": _one_line(why),
                    "labeller": self.labeller,
                    "cell": drawn.cell,
                    "of": drawn.of,
                }
            )
            put_label(self.lake, label)
            self._stale = {one for one in self._stale if one.doc_id != label.doc_id}
            if not known:
                self.undoable.append(number)

    def undo(self, number: int) -> int:
        """Take back the answer to this document, or, where it has none, the last that was given in this
        sitting; its number. LakeError where there is nothing to take back."""
        with self._lock:
            answers = self.answers()
            if number not in answers:
                given = [n for n in self.undoable if n in answers]
                if not given:
                    raise LakeError("nothing was answered in this sitting: open an answered document first")
                number = given[-1]
            withdraw_label(self.lake, self.dump, self.drawn[number - 1].doc_id.hex(), self.labeller)
            self.undoable = [n for n in self.undoable if n != number]
            return number

    def _text(self, drawn: Drawn) -> str:
        row = np.array([drawn.row], np.int64)
        text: str = rendered_texts(self.tables.documents, self.tables.edits, drawn.part, row)[0].as_py()
        return text

    def _policy_view(self, drawn: Drawn) -> PolicyView:
        row = np.array([drawn.row], np.int64)
        decisions = self.tables.need("decisions")
        names = ["keep", "reasons", "category", "language"]
        decided = decisions.read_part(drawn.part, names, row).to_pylist()[0]
        _, columns = numbers_of(self.tables, self.policy, drawn.part, row)
        values = {key: column[0].as_py() for key, column in columns.items()}
        judging = next(
            (s for s in self.policy.sets if s.judges(decided["category"], decided["language"], values)), None
        )
        bounds = judging.bounds if judging else {}
        failing = [key for key in bounds if key in decided["reasons"]]
        holding = sorted(
            (key for key in bounds if key in drawn.margins and key not in failing),
            key=lambda key: (drawn.margins[key], key),
        )
        lines = [
            NumberLine(
                key,
                _figure(values[key]),
                bounds[key].limits.replace("at least", "≥").replace("at most", "≤").replace(" and ", "\n"),
                bounds[key].source,
                key in failing,
                f"{drawn.margins[key]:.1%}" if key in drawn.margins else "",
            )
            for key in [*failing, *holding[:NEAREST]]
        ]
        name = f"{self.policy.name}, {judging.name}" if judging else self.policy.name
        return PolicyView(name, decided["keep"], tuple(decided["reasons"]), tuple(lines))


def application(sitting: Sitting) -> Starlette:
    """The addresses of a sitting: `/`, `/NUMBER` (GET shows, POST answers), `/next/NUMBER`,
    `/back/NUMBER`, `/undo`. Bodies are JSON."""
    count = len(sitting.drawn)

    def shown(request: Request) -> Response:
        if not count:
            return _page(lambda nonce: empty_page(sitting.dump, nonce))
        view = sitting.view(_number(request, count))
        return _page(lambda nonce: page(view, nonce))

    def start(request: Request) -> Response:
        return _to(sitting.next_number()) if count else shown(request)

    def step(request: Request) -> Response:
        return _to(sitting.next_number(_number(request, count)))

    def back(request: Request) -> Response:
        return _to((_number(request, count) - 2) % count + 1)

    async def answer(request: Request) -> Response:
        body = await _body(request)
        number = _number(request, count)
        sitting.answer(number, *(str(body.get(name, "")) for name in ("verdict", "kind", "why")))
        return JSONResponse({"at": f"/{number}"})

    async def undo(request: Request) -> Response:
        number = (await _body(request)).get("number")
        if not isinstance(number, int):
            raise _Refused(400, "undo asks for the number of the document that is shown")
        return JSONResponse({"at": f"/{sitting.undo(number)}"})

    return Starlette(
        routes=[
            Route("/", start),
            Route("/undo", undo, methods=["POST"]),
            Route("/next/{number:int}", step),
            Route("/back/{number:int}", back),
            Route("/{number:int}", shown, methods=["GET"]),
            Route("/{number:int}", answer, methods=["POST"]),
        ],
        exception_handlers={
            _Refused: _said(lambda error: error.status),
            LakeError: _said(lambda _: 409),
            CardError: _said(lambda _: 409),
            ValidationError: _no_label,
        },
    )


class _Refused(Exception):
    """A request that is not one of the page's own."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def _said(status: Callable[[Any], int]) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def handler(_: Request, error: Exception) -> Response:
        return PlainTextResponse(f"{error}\n", status_code=status(error))

    return handler


async def _no_label(_: Request, error: Exception) -> Response:
    wrong = error.errors() if isinstance(error, ValidationError) else []
    said = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in wrong)
    return PlainTextResponse(f"the answer is no label: {said}\n", status_code=400)


def _number(request: Request, count: int) -> int:
    number: int = request.path_params["number"]
    if not 1 <= number <= count:
        raise _Refused(404, f"there is no document {number}: the sample has {count}")
    return number


async def _body(request: Request) -> dict[str, Any]:
    """The JSON object that was sent; a form of another page cannot send one."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise _Refused(415, f"answers are sent as application/json, not {kind!r}")
    data = b""
    async for chunk in request.stream():
        data += chunk
        if len(data) > BODY_BYTES:
            raise _Refused(413, f"an answer has at most {BODY_BYTES:,} bytes")
    try:
        body = json.loads(data)
    except ValueError:
        raise _Refused(400, "the answer is not readable as JSON") from None
    if not isinstance(body, dict):
        raise _Refused(400, "an answer is a JSON object")
    return body


def _to(number: int) -> Response:
    return RedirectResponse(f"/{number}", status_code=303)


def _page(draw_page: Callable[[str], str]) -> Response:
    """A page that may load nothing, and run its own script alone."""
    nonce = secrets.token_urlsafe(16)
    rules = (
        "default-src 'none'",
        f"style-src 'nonce-{nonce}'",
        f"script-src 'nonce-{nonce}'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
    headers = {
        "Content-Security-Policy": "; ".join(rules),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return HTMLResponse(draw_page(nonce), headers=headers)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.3g}"


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens there; LakeError where the port is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise LakeError(
            f"port {port} of {host} cannot be had ({error.strerror}): give another with --port"
        ) from None
    listener.listen()
    return listener
