"""`python -m jobs.webserver`: Dagster's web UI behind the guard, in place of `dagster-webserver`.

Belongs here: where it listens, and when a token is asked for. Does not belong here: which requests
are refused (jobs/guard.py), the daemon and the code server (jobs/services.py).
"""

from __future__ import annotations

import ipaddress
import os
import pwd
import secrets
from collections.abc import Sequence
from pathlib import Path

import click
from starlette.types import ASGIApp

from jobs.guard import LOOPBACK, Guard
from jobs.settings import PREFIX, Settings

TOKEN_VARIABLE = f"{PREFIX}UI_TOKEN"
STATEMENT_TIMEOUT_MS, POOL_RECYCLE_S, POOL_OVERFLOW = 15_000, 3_600, 20  # dagster-webserver's defaults
PEOPLE = range(1_000, 60_000)  # ids of accounts of people (login.defs of Debian and Red Hat)


def is_loopback(host: str) -> bool:
    """Whether a port on this address is reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def several_users() -> bool:
    """Whether more than one person has an account here: all of them reach a port on loopback."""
    shells = ("nologin", "false")
    people = [u for u in pwd.getpwall() if u.pw_uid in PEOPLE and Path(u.pw_shell).name not in shells]
    return len({u.pw_uid for u in people} | {os.getuid()} - {0}) > 1


def token_for(host: str, settings: Settings) -> str:
    """The token that is asked for: the setting, else a new one where others reach the port, else
    none."""
    if settings.ui_token:
        return settings.ui_token
    return "" if is_loopback(host) and not several_users() else secrets.token_urlsafe(24)


def names(host: str, settings: Settings) -> list[str]:
    """Names of this server beside loopback: the setting's, and the address where it listens."""
    named = [h for h in settings.ui_hosts.replace(",", " ").split() if h]
    if host in ("", "0.0.0.0", "::") or host in LOOPBACK:
        return named
    return [*named, f"[{host}]" if ":" in host else host]


def application(workspace: Sequence[Path], host: str, token: str) -> ASGIApp:
    """Dagster's web UI over the workspace files, behind the guard."""
    import contextlib
    from collections.abc import AsyncIterator

    import dagster as dg
    from dagster._core.workspace.context import WorkspaceProcessContext
    from dagster._core.workspace.load_target import WorkspaceFileTarget
    from dagster_webserver.app import create_app_from_workspace_process_context
    from dagster_webserver.version import __version__

    instance = dg.DagsterInstance.get()
    instance.optimize_for_webserver(STATEMENT_TIMEOUT_MS, POOL_RECYCLE_S, POOL_OVERFLOW)
    target = WorkspaceFileTarget([str(p) for p in workspace])
    context = WorkspaceProcessContext(instance, target, version=__version__)

    @contextlib.asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        with instance, context:
            yield

    app = create_app_from_workspace_process_context(context, lifespan=lifespan)
    return Guard(app, names(host, Settings()), token)


@click.command(help="Dagster's web UI behind the guard (python -m jobs.webserver).")
@click.option("--workspace", "-w", multiple=True, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--host", "-h", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", "-p", default=3000, show_default=True)
def serve(workspace: tuple[Path, ...], host: str, port: int) -> None:
    import uvicorn

    given = TOKEN_VARIABLE in os.environ
    token = token_for(host, Settings())
    app = application(workspace, host, token)
    shown = f"?token={token}" if token and not given else ""
    click.echo(
        f"Serving the web UI on http://{f'[{host}]' if ':' in host else host}:{port}/{shown}", err=True
    )
    uvicorn.run(app, host=host, port=port, log_level="warning")


if __name__ == "__main__":
    serve()
