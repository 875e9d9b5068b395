"""The client that applications copy: it never raises, and always has an answer with its reason."""

import ast
import socket
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from experiments.actions.registry.roll_back import set_label
from gateway import client as client_file
from gateway import last_known
from gateway.client import CACHED, DEFAULT, FETCHED, STALE, Client
from storage.live_tables import ExposureRow, OutcomeRow
from tests.builders import ADA
from tests.gateway.conftest import Served, rows, unit_of

ONE_LOOK_S = last_known.EVERY_S  # read at import: fixtures make servers of these tests look more often
MINE = {"messages": [{"role": "user", "content": "mine"}]}


@pytest.fixture
def nowhere() -> str:
    """An address at which nobody listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{found.getsockname()[1]}"


def test_it_needs_nothing_but_python():
    tree = ast.parse(Path(client_file.__file__).read_text("utf-8"))
    imported = {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in imported if name} <= set(sys.stdlib_module_names)


def test_it_fetches_prompts_and_assignments_and_remembers_them(gateway: Served):
    client = Client(gateway.address, gateway.key)
    prompt = client.prompt("reply")
    assert (prompt.reason, prompt.value["version"], prompt.error_code) == (FETCHED, 1, None)
    assert client.prompt("reply").reason == CACHED
    unit = unit_of(gateway, "B")
    met = client.assign("refund-reply", unit, context={"plan": "pro"}, default=MINE)
    assert (met.reason, met.value["variant"]) == (FETCHED, "B")
    assert client.assign("refund-reply", unit, context={"plan": "pro"}).reason == CACHED
    [exposure] = rows(gateway, ExposureRow, unit=unit)
    assert exposure.id == met.value["exposure"]
    client.close()


def test_a_rollback_reaches_the_client_as_it_comes_within_five_seconds(gateway: Served):
    client = Client(gateway.address, gateway.key)
    set_label(gateway.store, "reply", label="canary", at="2", actor=ADA)
    assert client.prompt("reply", label="canary").value["version"] == 2
    set_label(gateway.store, "reply", label="canary", at="1", actor=ADA)
    gateway.until(lambda: client.prompt("reply", label="canary").value["version"] == 1, seconds=5)
    # an assignment passes the gateway's own look at the database as well, before the client's cache begins
    assert client_file.CACHE_S + ONE_LOOK_S + client._timeout_s <= 5
    client.close()


def test_what_was_known_outlives_the_server_and_the_process(gateway: Served, nowhere: str, tmp_path: Path):
    file = str(tmp_path / "bakeoff.json")
    first = Client(gateway.address, gateway.key, remember_in=file)
    unit = unit_of(gateway, "A")
    met = first.assign("refund-reply", unit)
    later = Client(nowhere, gateway.key, remember_in=file)
    kept = later.assign("refund-reply", unit)
    assert (kept.reason, kept.error_code, kept.value) == (STALE, "UNREACHABLE", met.value)
    other = later.assign("refund-reply", "somebody else", default=MINE)
    assert (other.reason, other.value) == (DEFAULT, MINE)


@pytest.mark.parametrize(
    ("name", "key", "code"), [("nothing", None, "HTTP_404"), ("reply", "bk_wrong", "HTTP_401"), ("reply", "ä", "UNREACHABLE")]
)  # fmt: skip
def test_what_cannot_be_had_is_the_default_with_the_reason(gateway: Served, name: str, key: str | None, code: str):
    got = Client(gateway.address, key or gateway.key).prompt(name, default=MINE)
    assert (got.value, got.reason) == (MINE, DEFAULT)
    assert got.error_code == code or (key == "ä" and got.error_code == "HTTP_401")


def test_a_server_that_is_gone_costs_one_wait_not_one_for_each_call(nowhere: str):
    client = Client(nowhere, "bk_x", timeout_s=0.5)
    started = time.perf_counter()
    assert {client.assign("t", f"u{i}", default=MINE).error_code for i in range(50)} == {"UNREACHABLE"}
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize(
    "said", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
             b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"]
)  # fmt: skip
def test_nonsense_from_the_other_side_raises_nothing(said: bytes):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def speak() -> None:
            connection, _ = server.accept()
            connection.recv(65536)
            connection.sendall(said)
            connection.close()

        threading.Thread(target=speak, daemon=True).start()
        got = Client(f"http://127.0.0.1:{server.getsockname()[1]}", "bk_x").prompt("reply", default=MINE)
    assert (got.value, got.reason) == (MINE, DEFAULT)
    assert got.error_code is not None


def test_values_that_are_no_json_raise_nothing(gateway: Served):
    client = Client(gateway.address, gateway.key)
    assert client.assign("refund-reply", "u", context={"x": object()}, default=MINE).value == MINE
    assert client.assign("refund-reply", "\ud800", default=MINE).reason in (DEFAULT, FETCHED)


def test_reports_arrive_once_in_batches(gateway: Served):
    client = Client(gateway.address, gateway.key)
    unit = unit_of(gateway, "B")
    for i in range(30):
        assert client.report("refund-reply", unit, "minutes", i)
    assert client.report("refund-reply", unit, "resolved", 1, idempotency_key=f"{unit}-r")
    assert client.report("refund-reply", unit, "resolved", 1, idempotency_key=f"{unit}-r", at="2026-05-01T10:00:00Z")
    assert client.flush()
    client.close()
    rows(gateway, OutcomeRow, 30, unit=unit, metric="minutes")
    rows(gateway, OutcomeRow, 1, unit=unit, metric="resolved")
    assert client.lost_reports == 0


def test_reports_wait_for_a_server_that_comes_later(gateway: Served):
    """A relay that refuses at first: what was reported meanwhile arrives when it lets through."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    client = Client(f"http://127.0.0.1:{port}", gateway.key)
    unit = unit_of(gateway, "A")
    client.report("refund-reply", unit, "resolved", 1)
    assert not client.flush(0.3)
    with socket.create_server(("127.0.0.1", port)) as server:

        def relay() -> None:
            connection, _ = server.accept()
            raw = b""
            while b"\r\n\r\n" not in raw or len(raw.split(b"\r\n\r\n", 1)[1]) < int(
                raw.lower().split(b"content-length: ")[1].split(b"\r\n")[0]
            ):
                raw += connection.recv(65536)
            body = raw.split(b"\r\n\r\n", 1)[1]
            answer = httpx.post(f"{gateway.address}/api/v1/outcomes", content=body, headers=gateway.headers)
            content = answer.content
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content) + content)
            connection.close()

        threading.Thread(target=relay, daemon=True).start()
        assert client.flush(5)
    client.close()
    rows(gateway, OutcomeRow, 1, unit=unit)
