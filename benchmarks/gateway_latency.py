"""What the gateway costs: calls straight to a model server, through a bare aiohttp pass-through, and through Bakeoff.

    python benchmarks/gateway_latency.py [--latency-ms 50] [--seconds 6] [--rounds 3] [--memory 100000] [--pages]
        [--litellm-proxy /path/of/litellm]

Each server runs in a process of its own, the rounds are interleaved (direct, bare, ours, direct …), and the median
counts. Bakeoff answers a live test (assignment, exposure on disk before the answer, record of the call); the bare
pass-through only hashes ``user``. One caller gives the added latency, 32 callers the requests a second; streams are
measured to the first token. ``--memory N`` sends N requests and reads the server's resident memory on the way.
``--pages`` serves the whole app (pages too) instead of the HTTP routes alone. ``--litellm-proxy`` adds the proxy of an
environment that has ``litellm[proxy]`` installed, with no database and no callbacks. Aims: p50 + 2 ms and p99 + 8 ms
with one caller, 0.9 × the requests a second of the bare pass-through at 32.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import aiohttp

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

BARE = """
import hashlib, sys
import aiohttp
from aiohttp import web

async def main(upstream, port):
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
    async def handle(request):
        body = await request.json()
        variant = hashlib.blake2b(body.get("user", "").encode()).digest()[0] % 2
        async with session.post(upstream + "/chat/completions", json=body) as answer:
            if not body.get("stream"):
                return web.Response(body=await answer.read(), content_type="application/json",
                                    headers={"x-variant": str(variant)})
            response = web.StreamResponse(headers={"content-type": "text/event-stream"})
            await response.prepare(request)
            async for piece in answer.content.iter_any():
                await response.write(piece)
            return response
    runner = web.ServerRunner(web.Server(handle))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    import asyncio
    await asyncio.Event().wait()

import uvloop
uvloop.run(main(sys.argv[1], int(sys.argv[2])))
"""
TICKET = (
    "Where is the parcel that I ordered two weeks ago? It should have been here last Monday, and nobody answers. " * 2
)


@dataclass(frozen=True)
class Target:
    """Where a contender listens, what it is asked, and the process that answers."""

    name: str
    address: str
    headers: dict[str, str]
    pid: int
    live: bool

    def body(self, number: int, *, stream: bool) -> bytes:
        """The request with that number."""
        body: dict[str, object] = {"user": f"user-{number}", "stream": stream}
        if self.live:
            body |= {"model": "experiment:benchmark", "messages": [], "variables": {"ticket": TICKET}}
        else:
            body |= {"model": "fake-small", "messages": [{"role": "user", "content": f"Reply to: {TICKET}"}]}
        return json.dumps(body).encode()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextmanager
def process(command: list[str], *, quiet: bool = False, **environment: str) -> Iterator[subprocess.Popen[str]]:
    output = subprocess.DEVNULL if quiet else subprocess.PIPE
    started = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, stdout=output, text=True)
    try:
        yield started
    finally:
        started.kill()
        started.wait()


def prepared(home: Path, url: str = "") -> str:
    """A database with one live test (SQLite in the folder by default); returns a key for it."""
    from experiments.actions.installation.manage_keys import create_key
    from experiments.actions.live.start_live import start_live
    from experiments.actions.runs.create_experiment import create_experiment
    from experiments.experiment_file import ExperimentSpec
    from experiments.vocabulary import Actor, Role
    from storage import schema
    from storage.store import open_store

    actor = Actor("benchmark", Role.ADMIN)
    store = open_store(url or f"sqlite:///{home / 'bakeoff.db'}")
    schema.upgrade(store.engine)
    variants = [
        {"name": name, "prompt": f"{text}: {{{{ticket}}}}", "model": "openai/fake-small"}
        for name, text in (("A", "Reply to"), ("B", "Reply kindly to"))
    ]
    live = {"key": "benchmark", "split": {"A": 50, "B": 50}, "outcomes": [{"metric": "resolved"}]}
    plan = {"primary": {"metric": "resolved", "smallest_effect": 0.03}}
    spec = ExperimentSpec.model_validate({"name": "benchmark", "variants": variants, "plan": plan, "live": live})
    create_experiment(store, spec, dataset_version_id=None, actor=actor)
    start_live(store, "benchmark", actor=actor)
    key = create_key(store, "benchmark", ["assign", "ingest"], actor=actor).key
    store.close()
    return key


@contextmanager
def contenders(options: argparse.Namespace) -> Iterator[list[Target]]:
    home = Path(mkdtemp(prefix="bakeoff-gateway-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        command = [sys.executable, "tests/fake_provider.py", "--latency-ms", str(options.latency_ms)]
        fake = stack.enter_context(process(command, PYTHONPATH=str(ROOT)))
        assert fake.stdout is not None
        upstream = fake.stdout.readline().removeprefix("listening on ").strip()
        ports = free_port(), free_port()
        bare = stack.enter_context(process([sys.executable, "-c", BARE, upstream, str(ports[0])]))
        key = prepared(home)
        url = f"sqlite:///{home / 'bakeoff.db'}"
        environment = {"OPENAI_API_BASE": upstream, "OPENAI_API_KEY": "none", "BAKEOFF_KEY_CALLS_PER_SECOND": "100000"}
        if options.pages:
            command = [sys.executable, "-m", "cli", "serve", "--port", str(ports[1]), "--no-sample", "--no-worker"]
            environment |= {"BAKEOFF_HOME": str(home), "BAKEOFF_DATABASE_URL": url}
        else:
            command = [sys.executable, "-m", "tests.gateway.server", url, str(home), str(ports[1])]
        ours = stack.enter_context(process(command, **environment))
        headers = {"Content-Type": "application/json"}
        targets = [
            Target("direct", upstream, headers, fake.pid, live=False),
            Target("bare pass-through", f"http://127.0.0.1:{ports[0]}/v1", headers, bare.pid, live=False),
            Target(
                "Bakeoff",
                f"http://127.0.0.1:{ports[1]}/v1",
                headers | {"Authorization": f"Bearer {key}"},
                ours.pid,
                live=True,
            ),
        ]
        if options.litellm_proxy:
            targets.insert(2, stack.enter_context(litellm_proxy(options.litellm_proxy, upstream, home)))
        for target in targets:
            asyncio.run(until_answering(target))
        yield targets


@contextmanager
def litellm_proxy(program: str, upstream: str, home: Path) -> Iterator[Target]:
    model = {"model": "openai/fake-small", "api_base": upstream, "api_key": "none"}
    key = f"sk-{secrets.token_hex(16)}"
    settings = {
        "model_list": [{"model_name": "fake-small", "litellm_params": model}],
        "general_settings": {"master_key": key},
    }
    config = home / "proxy.json"  # JSON is YAML
    config.write_text(json.dumps(settings))
    port = free_port()
    command = [program, "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    # its lines about each request would fill a pipe that nobody reads
    with process(command, quiet=True, LITELLM_LOCAL_MODEL_COST_MAP="True", LITELLM_LOG="ERROR") as proxy:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
        yield Target("LiteLLM proxy", f"http://127.0.0.1:{port}/v1", headers, proxy.pid, live=False)


async def until_answering(target: Target) -> None:
    end = time.monotonic() + 120
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < end:
            try:
                if (await one(session, target, 0, stream=False)) is not None:
                    return
            except (aiohttp.ClientError, RuntimeError):
                await asyncio.sleep(0.2)
    raise RuntimeError(f"{target.name} does not answer")


async def one(session: aiohttp.ClientSession, target: Target, number: int, *, stream: bool) -> float:
    """Milliseconds until the answer, or until the first token of a stream."""
    started = time.perf_counter()
    data = target.body(number, stream=stream)
    async with session.post(f"{target.address}/chat/completions", data=data, headers=target.headers) as answer:
        if answer.status != 200:
            raise RuntimeError(f"{target.name}: {answer.status} {(await answer.text())[:200]}")
        if not stream:
            await answer.read()
            return (time.perf_counter() - started) * 1000
        await answer.content.readany()
        first = (time.perf_counter() - started) * 1000
        while await answer.content.readany():
            pass
        return first


async def measured(target: Target, *, width: int, seconds: float, stream: bool) -> dict[str, float]:
    times: list[float] = []
    cpu_s, end = cpu_of(target.pid), time.perf_counter() + seconds
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def caller(lane: int) -> None:
            number = 0
            while time.perf_counter() < end:
                times.append(await one(session, target, lane * 100_000 + number, stream=stream))
                number += 1

        started = time.perf_counter()
        await asyncio.gather(*(caller(lane) for lane in range(width)))
        wall = time.perf_counter() - started
    ordered = sorted(times)
    return {
        "p50": ordered[len(ordered) // 2],
        "p99": ordered[int(len(ordered) * 0.99)],
        "rps": len(ordered) / wall,
        "cpu_ms": (cpu_of(target.pid) - cpu_s) / len(ordered) * 1000,
    }


def cpu_of(pid: int) -> float:
    """CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


async def memory(target: Target, requests: int) -> list[tuple[int, float]]:
    """Resident MB of the server after each tenth of the requests, 64 at a time."""
    seen = [(0, resident_mb(target.pid))]
    numbers = iter(range(requests))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def caller() -> None:
            for number in numbers:
                await one(session, target, number, stream=number % 4 == 0)
                if (number + 1) % (requests // 10) == 0:
                    seen.append((number + 1, resident_mb(target.pid)))

        await asyncio.gather(*(caller() for _ in range(64)))
    return seen


def report(results: dict[tuple[str, str], list[dict[str, float]]]) -> str:
    lines = [f"{'':12}{'':20}{'p50 ms':>9}{'p99 ms':>9}{'req/s':>9}{'CPU ms':>9}"]
    middle = {
        key: {name: statistics.median(r[name] for r in rounds) for name in rounds[0]} for key, rounds in results.items()
    }
    for (scene, name), found in middle.items():
        lines.append(
            f"{scene:12}{name:20}{found['p50']:9.1f}{found['p99']:9.1f}{found['rps']:9.0f}{found['cpu_ms']:9.2f}"
        )
    direct, ours = middle["1 caller", "direct"], middle["1 caller", "Bakeoff"]
    lines.append(
        f"added with one caller: p50 {ours['p50'] - direct['p50']:.1f} ms, p99 {ours['p99'] - direct['p99']:.1f} ms"
    )
    for scene in ("32 callers", "32 streams"):
        ratio = middle[scene, "Bakeoff"]["rps"] / middle[scene, "bare pass-through"]["rps"]
        lines.append(f"{scene}: {ratio:.2f} × the requests a second of the bare pass-through")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latency-ms", type=float, default=50)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", type=int, default=0, metavar="REQUESTS")
    parser.add_argument("--pages", action="store_true")
    parser.add_argument("--litellm-proxy", metavar="PROGRAM")
    options = parser.parse_args()
    scenes = {"1 caller": (1, False), "32 callers": (32, False), "1 stream": (1, True), "32 streams": (32, True)}
    results: dict[tuple[str, str], list[dict[str, float]]] = {}
    with contenders(options) as targets:
        for _ in range(options.rounds):
            for scene, (width, stream) in scenes.items():
                for target in targets:
                    found = asyncio.run(measured(target, width=width, seconds=options.seconds, stream=stream))
                    results.setdefault((scene, target.name), []).append(found)
        print(report(results))
        if options.memory:
            for requests, megabytes in asyncio.run(memory(targets[-1], options.memory)):
                print(f"after {requests:7,} requests: {megabytes:.0f} MB")


if __name__ == "__main__":
    main()
