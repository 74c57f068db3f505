"""A web server of this machine that gives files, and fails when it is told to."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar


class FileServer(http.server.BaseHTTPRequestHandler):
    """Gives `files` by path; a path of `failures` answers 503 so many times first."""

    files: ClassVar[dict[str, bytes]] = {}
    failures: ClassVar[dict[str, int]] = {}

    def _reply(self, body: bool) -> None:
        if self.failures.get(self.path, 0) > 0 and body:
            self.failures[self.path] -= 1
            self.send_error(503)
            return
        data = self.files.get(self.path)
        if data is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("ETag", '"abc"')
        self.end_headers()
        if body:
            self.wfile.write(data)

    def do_GET(self) -> None:
        self._reply(True)

    def do_HEAD(self) -> None:
        self._reply(False)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serve(handler: Callable[..., http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    """The address of a server that runs for as long as the block."""
    service = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=service.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{service.server_address[1]}"
    finally:
        service.shutdown()
        service.server_close()
