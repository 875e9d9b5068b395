"""``bakeoff serve`` and ``bakeoff worker``."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from commands import terminal
from commands.event_loop import run_loop
from commands.worker_loop import work_until_told
from experiments.errors import Unavailable
from settings import Settings

ROOT = Path(__file__).resolve().parent.parent


def serve(
    host: Annotated[str | None, typer.Option(help="Address to bind (BAKEOFF_HOST).")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port (BAKEOFF_PORT).")] = None,
    worker: Annotated[bool, typer.Option("--worker/--no-worker", help="Watch a worker process.")] = True,
    sample: Annotated[
        bool, typer.Option("--sample/--no-sample", help="Load the sample project on first start.")
    ] = True,
    insecure_no_login: Annotated[
        bool,
        typer.Option("--insecure-no-login", help="Accept that everybody who reaches the address may do everything."),
    ] = False,
) -> None:
    """Upgrade the database and start pages, HTTP API and worker on one port."""
    base = terminal.settings()
    chosen = replace(
        base,
        host=host or base.host,
        port=port or base.port,
        run_worker=worker and base.run_worker,
        load_sample=sample and base.load_sample,
        insecure_no_login=insecure_no_login or base.insecure_no_login,
    )
    chosen.check_bind()
    chosen.check_home()
    chosen.check_port()
    _upgrade_if_reachable()
    os.environ.update(chosen.as_env())
    terminal.say(f"Bakeoff is starting on http://{_shown(chosen.host)}:{chosen.port}  (stop with Ctrl+C)")
    _run_server(chosen)


def worker(
    concurrency: Annotated[int | None, typer.Option(min=1, max=1024, help="Most calls of one run at a time.")] = None,
    watched: Annotated[bool, typer.Option("--watched", hidden=True)] = False,
) -> None:
    """Work through whatever waits, until stopped."""
    if watched:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server that watches decides
    run_loop(work_until_told(terminal.store(), concurrency=concurrency, parent=os.getppid() if watched else None))


def _upgrade_if_reachable() -> None:
    """Says early what is wrong with the database; live traffic does not wait for one that is away."""
    try:
        with terminal.store().read() as tx:
            events, head = tx.audit.head()
        terminal.store().close()
        terminal.say(f"Audit log: {events} events, head {head}")
    except Unavailable:
        terminal.say("The database cannot be reached. Live traffic is answered from what was last known.")


def _run_server(chosen: Settings) -> None:
    """Run app.py in this process: Streamlit's own server with the options that security asks for."""
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    sys.argv = [str(ROOT / "app.py")]  # Streamlit looks for the page script beside whatever was launched
    import app  # noqa: TID251 - this starts the composition root

    app.app.run(config=server_options(chosen))


def server_options(chosen: Settings) -> dict[str, object]:
    """Streamlit options of a server, beyond ``.streamlit/config.toml``."""
    return {
        "server.address": chosen.host,
        "server.port": chosen.port,
        "server.headless": True,
        "server.allowedHosts": _allowed_hosts(chosen),
        "browser.gatherUsageStats": False,
        "browser.serverAddress": _shown(chosen.host),
    }


def _allowed_hosts(chosen: Settings) -> list[str]:
    if chosen.insecure_no_login or not chosen.is_local():
        return []  # gateway/callers.py asks for the host of every request, websockets too
    return ["localhost", "127.0.0.1", "[::1]", *chosen.allowed_hosts]


def _shown(host: str) -> str:
    return "localhost" if host in ("127.0.0.1", "::1") else host


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(serve)
    app.command()(worker)
