"""What stands in front of Dagster's web UI: whose requests reach it.

Belongs here: which requests are refused, and why. Does not belong here: the server behind it
(jobs/webserver.py).

Dagster's webserver asks nobody who they are, answers under any host name, takes GraphQL mutations by
GET, and looks at no Origin: any page in the user's browser could start runs. Four rules stop that.
Host names the server by a name of its own (against DNS rebinding). Origin, where a browser sends it,
is that host, and Sec-Fetch-Site says so too (against other pages). GraphQL is asked by POST with a
JSON body, which a form of another page cannot send. Where others can reach the port, a token is asked
for too.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Collection
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
COOKIE = "skypile_ui_token"
TOKEN = "token"
HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?", re.ASCII)
GRAPHQL_BODIES = ("application/json", "application/graphql")
POLICY_VIOLATION = 1008  # RFC 6455, 7.4.1


class Guard:
    """An ASGI application that hands the permitted requests on.

    `hosts` are further names or addresses of this server beside loopback; a `token` that is not
    empty has to be in the cookie, in `Authorization: Bearer`, or once as `?token=` in the address.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] = (), token: str = "") -> None:
        self.app, self.token = app, token
        self.hosts = LOOPBACK | {h.lower() for h in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):  # the application's own start and end
            await self.app(scope, receive, send)
            return
        refused = self.judge(scope)
        if refused is None:
            await self.app(scope, receive, _unframed(send))
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        else:
            await refused(scope, receive, send)

    def judge(self, scope: Scope) -> Response | None:
        """The answer to a request that is not handed on; None for one that is."""
        headers = Headers(scope=scope)
        host = _only(headers, "host").lower()
        named = HOST.fullmatch(host)
        if not named or named[1] not in self.hosts:
            return _refuse(
                403,
                f"the host {host!r} is no name of this server (known are {', '.join(sorted(self.hosts))}):"
                " use one of these, or name it in SKYPILE_UI_HOSTS",
            )
        if "origin" in headers and not _of_host(_only(headers, "origin").lower(), host):
            return _refuse(403, f"the request comes from a page of {headers['origin']!r}, not of {host}")
        graphql = scope["path"].rstrip("/").endswith("/graphql")
        changes = scope["type"] == "websocket" or scope.get("method") not in ("GET", "HEAD", "OPTIONS")
        if (graphql or changes) and headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return _refuse(403, "the request comes from a page of another site")
        if scope["type"] == "http" and graphql and (answer := _judge_graphql(scope["method"], headers)):
            return answer
        return self._judge_token(scope, headers) if self.token else None

    def _judge_token(self, scope: Scope, headers: Headers) -> Response | None:
        """None where the token is shown; a redirect that makes it a cookie where the address has it."""
        if self._right(_cookie(headers)) or self._right(
            headers.get("authorization", "").removeprefix("Bearer ").strip()
        ):
            return None
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if scope.get("method") == "GET" and any(k == TOKEN and self._right(v) for k, v in query):
            rest = urlencode([(k, v) for k, v in query if k != TOKEN])
            # One leading slash: `//name` would be the address of another server.
            path = "/" + scope["path"].lstrip("/\\")
            answer = RedirectResponse(f"{path}?{rest}" if rest else path, status_code=303)
            answer.set_cookie(COOKIE, self.token, httponly=True, samesite="strict", path="/")
            answer.headers["Referrer-Policy"] = "no-referrer"
            return answer
        return _refuse(
            401,
            "this web UI asks for a token: open the address that `skypile up` has printed (?token=...), or"
            " send Authorization: Bearer with the value of SKYPILE_UI_TOKEN",
        )

    def _right(self, value: str) -> bool:
        return hmac.compare_digest(value.encode(), self.token.encode())


def _judge_graphql(method: str, headers: Headers) -> Response | None:
    """GraphQL is executed for POST with a body alone; by GET there is only the page with a console."""
    if method == "GET" and "text/html" in headers.get("accept", ""):  # Dagster's own test for the page
        return None
    if method != "POST":
        return _refuse(405, f"GraphQL is asked by POST, not by {method}", {"Allow": "POST"})
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in GRAPHQL_BODIES:
        return _refuse(415, f"GraphQL is asked with a body of {' or '.join(GRAPHQL_BODIES)}, not {kind!r}")
    return None


def _only(headers: Headers, name: str) -> str:
    """The value of a header that is sent once; empty where there is none, or several."""
    values = headers.getlist(name)
    return values[0] if len(values) == 1 else ""


def _of_host(origin: str, host: str) -> bool:
    scheme, _, rest = origin.partition("://")
    return scheme in ("http", "https") and rest == host


def _cookie(headers: Headers) -> str:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def _refuse(status: int, why: str, headers: dict[str, str] | None = None) -> PlainTextResponse:
    return PlainTextResponse(f"{why}\n", status_code=status, headers=headers)


def _unframed(send: Send) -> Send:
    """Answers that no page of another site may show in a frame, where its user would click on them."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)["X-Frame-Options"] = "SAMEORIGIN"
        await send(message)

    return sent
