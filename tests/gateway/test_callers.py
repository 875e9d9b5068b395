"""Who is let in: by bound address, caller, host and origin, whatever program serves the application."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from gateway import routes
from gateway.callers import Admission
from settings import Settings

ROOT = Path(__file__).parents[2]
LOCAL = {"client": ("127.0.0.1", 4000), "base_url": "http://127.0.0.1:8501"}
OPEN = Admission(open_to_all=True)
PROXIED = Admission(hosts=("bakeoff.example.com",))


async def _page(_request: object) -> PlainTextResponse:
    return PlainTextResponse("in")


async def _socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("in")
    await websocket.close()


def _client(admission: Admission = Admission(), **at: object) -> TestClient:  # noqa: B008
    app = Starlette(
        routes=[Route("/", _page, methods=["GET", "POST"]), WebSocketRoute("/stream", _socket)],
        middleware=routes.middleware(admission),
    )
    return TestClient(app, **{**LOCAL, **at})


def _outcome(client: TestClient, headers: dict[str, str]) -> tuple[object, object]:
    """The error code over HTTP and whether the websocket is let in; None and True when both are."""
    answer = client.post("/", headers=headers)
    code = None if answer.status_code == 200 else answer.json()["error"]["code"]
    try:
        address = str(client.base_url).replace("http", "ws", 1)
        with client.websocket_connect(f"{address}/stream", headers=headers) as opened:
            assert opened.receive_text() == "in"
        return code, True
    except WebSocketDisconnect:
        return code, False


LET_IN = [
    ({}, {}, Admission()),
    ({"host": "localhost:8501"}, {}, Admission()),
    ({"host": "LOCALHOST."}, {}, Admission()),
    ({"host": "[::1]:8501"}, {}, Admission()),
    ({"host": "localhost:9000", "origin": "http://localhost:9000"}, {}, Admission()),
    ({"x-forwarded-for": "127.0.0.1"}, {}, Admission()),
    ({"host": "bakeoff.example.com", "x-forwarded-for": "203.0.113.9"}, {}, PROXIED),
    ({"host": "localhost:8501", "x-forwarded-host": "bakeoff.example.com"}, {"client": ("203.0.113.9", 1)}, PROXIED),
    ({"host": "localhost", "origin": "https://bakeoff.example.com"}, {}, PROXIED),
    ({}, {"client": ("203.0.113.9", 1), "base_url": "http://192.0.2.7:8501"}, OPEN),
    ({"host": "bakeoff:8501"}, {"client": ("203.0.113.9", 1), "base_url": "http://192.0.2.7:8501"}, OPEN),
    ({"host": "[fd00::2]:8501"}, {"client": ("fd00::3", 1)}, OPEN),
]
REFUSED = [
    ({}, {"client": ("203.0.113.9", 1)}, Admission(), "login_needed"),
    ({}, {"client": ("127.0.0.2", 1)}, Admission(), "login_needed"),
    ({}, {"base_url": "http://192.0.2.7:8501"}, Admission(), "login_needed"),
    ({"host": "localhost"}, {"base_url": "http://0.0.0.0:8501"}, Admission(), "login_needed"),
    ({"x-forwarded-for": "127.0.0.1, 203.0.113.9"}, {}, Admission(), "login_needed"),
    ({"x-real-ip": "203.0.113.9"}, {}, Admission(), "login_needed"),
    ({"forwarded": 'for="[2001:db8::1]:47011";proto=https'}, {}, Admission(), "login_needed"),
    ({"x-forwarded-for": "unknown"}, {}, Admission(), "login_needed"),
    ({"x-forwarded-for": "203.0.113.9"}, {}, PROXIED, "login_needed"),
    (
        {"host": "bakeoff.example.com"},
        {"client": ("203.0.113.9", 1), "base_url": "http://192.0.2.7"},
        PROXIED,
        "login_needed",
    ),
    ({"host": "evil.example"}, {}, Admission(), "unknown_host"),
    ({"host": "localhost.evil.example:8501"}, {}, Admission(), "unknown_host"),
    ({"host": "user@localhost"}, {}, Admission(), "unknown_host"),
    ({"host": "localhost/../"}, {}, Admission(), "unknown_host"),
    ({"host": "localhost:banana"}, {}, Admission(), "unknown_host"),
    ({"host": "192.0.2.7:8501"}, {}, Admission(), "unknown_host"),
    ({"x-forwarded-host": "evil.example"}, {}, Admission(), "unknown_host"),
    ({"host": "evil.example"}, {"client": ("203.0.113.9", 1)}, OPEN, "unknown_host"),
    ({"host": "user@localhost"}, {}, OPEN, "unknown_host"),
    ({"origin": "http://localhost:9999"}, {}, Admission(), "foreign_origin"),
    ({"origin": "http://127.0.0.1:9999"}, {}, Admission(), "foreign_origin"),
    ({"origin": "https://evil.example"}, {}, Admission(), "foreign_origin"),
    ({"origin": "null"}, {}, Admission(), "foreign_origin"),
    ({"origin": "https://evil.example"}, {}, OPEN, "foreign_origin"),
    ({"origin": "https://evil.example"}, {}, PROXIED, "foreign_origin"),
]


@pytest.mark.parametrize(("headers", "at", "admission"), LET_IN)
def test_own_callers_are_let_in(headers, at, admission) -> None:
    assert _outcome(_client(admission, **at), headers) == (None, True)


@pytest.mark.parametrize(("headers", "at", "admission", "code"), REFUSED)
def test_others_are_refused_on_http_and_on_websockets(headers, at, admission, code) -> None:
    client = _client(admission, **at)
    assert _outcome(client, headers) == (code, False)
    assert client.post("/", headers=headers).status_code == 403


def test_a_program_with_a_key_may_name_any_origin() -> None:
    headers = {"origin": "app://desktop", "authorization": "Bearer bk_x_y"}
    assert _client().post("/", headers=headers).status_code == 200
    assert _client().post("/", headers={**headers, "host": "evil.example"}).status_code == 403


def test_hosts_of_a_proxy_are_read_from_the_environment() -> None:
    read = Settings.from_env({"BAKEOFF_ALLOWED_HOSTS": "Bakeoff.Example.com, other"})
    assert read.allowed_hosts == ("bakeoff.example.com", "other")
    assert Settings.from_env(read.as_env()).allowed_hosts == read.allowed_hosts


# --- every way to start the server --------------------------------------------------------------------------------

_PROGRAM = "import uvicorn; uvicorn.run('app:app', host='0.0.0.0', port={port}, forwarded_allow_ips='*')"
_THREAD = (
    "import asyncio, uvicorn, app; "
    "asyncio.run(uvicorn.Server(uvicorn.Config(app.app, host='0.0.0.0', port={port})).serve())"
)
WAYS = {
    "bakeoff serve": ["bakeoff", "serve", "--port", "{port}"],
    "streamlit run": ["streamlit", "run", "app.py", "--server.port", "{port}"],
    "streamlit run, every interface": [
        *("streamlit", "run", "app.py", "--server.port", "{port}", "--server.address", "0.0.0.0"),
    ],
    "uvicorn, every interface": ["uvicorn", "app:app", "--host", "0.0.0.0", "--port", "{port}"],
    "python -m uvicorn": ["python", "-m", "uvicorn", "app:app", "--host", "0.0.0.0", "--port", "{port}"],
    "uvicorn of a program that trusts every proxy": ["python", "-c", _PROGRAM],
    "uvicorn beside other work": ["python", "-c", _THREAD],
}


@contextmanager
def _started(command: list[str], home: Path) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program, *rest = [part.replace("{port}", str(port)) for part in command]
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("BAKEOFF_", "STREAMLIT_"))}
    environ |= {"BAKEOFF_HOME": str(home), "BAKEOFF_WORKER": "0", "BAKEOFF_SAMPLE": "0"}
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(Path(sys.executable).parent / program), *rest], cwd=ROOT, env=environ, stdout=log, stderr=log
        )
        try:
            deadline = time.monotonic() + 90
            while _get(port, "127.0.0.1", "127.0.0.1", "/readyz") != 200:
                assert process.poll() is None, (home / "log").read_text()
                assert time.monotonic() < deadline, (home / "log").read_text()
                time.sleep(0.2)
            yield port
        finally:
            process.terminate()
            process.wait(30)


def _get(port: int, to: str, source: str, path: str, **headers: str) -> int | None:
    """The status of an answer; None when nothing listens there."""
    connection = http.client.HTTPConnection(to, port, timeout=10, source_address=(source, 0))
    try:
        connection.request("GET", path, headers={"Host": f"localhost:{port}", **headers})
        return connection.getresponse().status
    except OSError:
        return None
    finally:
        connection.close()


UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.mark.parametrize("way", WAYS)
def test_no_way_of_starting_serves_another_address(way: str, sqlite_template: Path, tmp_path: Path) -> None:
    # 127.0.0.2 is this machine under an address that is not the loopback one, so it stands for another machine.
    shutil.copy(sqlite_template, tmp_path / "bakeoff.db")
    with _started(WAYS[way], tmp_path) as port:
        assert _get(port, "127.0.0.1", "127.0.0.1", "/") == 200
        assert _get(port, "127.0.0.1", "127.0.0.1", "/_stcore/stream", **UPGRADE) == 101
        for path in ("/", "/healthz", "/_stcore/health", "/api/v1/prompts/x", "/v1/models", "/metrics"):
            assert _get(port, "127.0.0.1", "127.0.0.2", path) == 403
            assert _get(port, "127.0.0.2", "127.0.0.1", path) in (403, None)
            assert _get(port, "127.0.0.2", "127.0.0.1", path, **{"X-Forwarded-For": "127.0.0.1"}) in (403, None)
            assert _get(port, "127.0.0.1", "127.0.0.1", path, Host="evil.example") == 403
        foreign = [
            _get(port, "127.0.0.1", "127.0.0.2", "/_stcore/stream", **UPGRADE),
            _get(port, "127.0.0.1", "127.0.0.1", "/_stcore/stream", **UPGRADE, Host="evil.example"),
            _get(port, "127.0.0.1", "127.0.0.1", "/_stcore/stream", **UPGRADE, Origin="http://localhost:9999"),
        ]
        assert foreign == [403, 403, 403]
