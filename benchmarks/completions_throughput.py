"""What a call costs: our two engines beside the bare loops they are built on, against one local server.

    python benchmarks/completions_throughput.py [--calls 2000] [--width 64] [--latency-ms 50] [--rounds 3]

Each contender runs in a process of its own, the rounds are interleaved (A B C D A B C D …), and the median counts.
Wall and CPU are those of the calls alone, after imports; "start" is the CPU that importing and opening took. No
database, no scoring. Aims: the lean engine within 1.3 × the wall of the bare aiohttp loop, the litellm engine within
1.10 × that of the bare litellm loop.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROMPT = (
    "You are a support agent. Reply to the customer's message below in a friendly and helpful way, in at most three "
    "sentences, and end with the next step. Message number {}: where is the parcel that I ordered two weeks ago?"
)
MODEL = "fake-small"
CONTENDERS = ("bare aiohttp", "lean engine", "bare litellm", "litellm engine")
PAIRS = (("lean engine", "bare aiohttp", 1.30), ("litellm engine", "bare litellm", 1.10))

Call = Callable[[str], Awaitable[object]]
Opened = tuple[Call, Callable[[], Awaitable[None]]]


async def bare_aiohttp(base_url: str) -> Opened:
    import aiohttp

    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def call(text: str) -> object:
        body = json.dumps({"model": MODEL, "messages": [{"role": "user", "content": text}], "temperature": 0.2})
        headers = {"Content-Type": "application/json", "Authorization": "Bearer none"}
        async with session.post(f"{base_url}/chat/completions", data=body, headers=headers) as response:
            return json.loads(await response.read())["choices"][0]["message"]["content"]

    return call, session.close


async def bare_litellm(base_url: str) -> Opened:
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    litellm = importlib.import_module("litellm")

    async def call(text: str) -> object:
        response = await litellm.acompletion(
            model=f"openai/{MODEL}",
            messages=[{"role": "user", "content": text}],
            temperature=0.2,
            api_base=base_url,
            api_key="none",
            max_retries=0,
        )
        return response.choices[0].message.content

    return call, litellm.close_litellm_async_clients


async def our_engine(base_url: str, engine: str) -> Opened:
    from experiments.completions import CompletionSettings, open_completions
    from experiments.vocabulary import Completion, Request

    environ = {"OPENAI_API_BASE": base_url, "OPENAI_API_KEY": "none", "BAKEOFF_ENGINE": engine}
    completions = open_completions(CompletionSettings.from_env(environ), environ=environ)

    async def call(text: str) -> object:
        request = Request(f"openai/{MODEL}", ({"role": "user", "content": text},), {"temperature": 0.2})
        outcome = await completions.attempt(request, deadline_s=60)
        if not isinstance(outcome, Completion):
            raise RuntimeError(outcome.message)
        return outcome.text

    return call, completions.aclose


async def opened(contender: str, base_url: str) -> Opened:
    if contender == "bare aiohttp":
        return await bare_aiohttp(base_url)
    if contender == "bare litellm":
        return await bare_litellm(base_url)
    return await our_engine(base_url, contender.split(maxsplit=1)[0])


async def measured(contender: str, base_url: str, calls: int, width: int) -> dict[str, float]:
    call, close = await opened(contender, base_url)
    await call("warm-up")
    start_cpu_s = time.process_time()
    started = time.perf_counter()
    numbers = iter(range(calls))

    async def lane() -> None:
        for number in numbers:
            await call(PROMPT.format(number))

    await asyncio.gather(*(lane() for _ in range(width)))
    wall_s, cpu_s = time.perf_counter() - started, time.process_time() - start_cpu_s
    await close()
    rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"wall_s": wall_s, "cpu_s": cpu_s, "rss_mb": rss_mb, "start_cpu_s": start_cpu_s}


def run_child(contender: str, base_url: str, options: argparse.Namespace) -> dict[str, float]:
    command = [sys.executable, __file__, "--contender", contender, "--base-url", base_url]
    command += ["--calls", str(options.calls), "--width", str(options.width)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return json.loads(done.stdout.strip().splitlines()[-1])


def median(rounds: list[dict[str, float]], name: str) -> float:
    return statistics.median(r[name] for r in rounds)


def report(results: dict[str, list[dict[str, float]]], calls: int) -> str:
    lines = [f"{'':16}{'wall s':>9}{'CPU s':>9}{'ms CPU/call':>13}{'calls/s':>9}{'RSS MB':>9}{'start CPU s':>13}"]
    for name, rounds in results.items():
        wall_s, cpu_s = median(rounds, "wall_s"), median(rounds, "cpu_s")
        lines.append(
            f"{name:16}{wall_s:9.2f}{cpu_s:9.2f}{cpu_s / calls * 1000:13.3f}{calls / wall_s:9.0f}"
            f"{median(rounds, 'rss_mb'):9.0f}{median(rounds, 'start_cpu_s'):13.2f}"
        )
    for ours, bare, aim in PAIRS:
        wall = median(results[ours], "wall_s") / median(results[bare], "wall_s")
        cpu = median(results[ours], "cpu_s") / median(results[bare], "cpu_s")
        lines.append(f"{ours} : {bare} = {wall:.2f} × wall (aim {aim:.2f}), {cpu:.2f} × CPU")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=2_000)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--latency-ms", type=float, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)
    parser.add_argument("--base-url", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contender:
        import uvloop

        print(json.dumps(uvloop.run(measured(options.contender, options.base_url, options.calls, options.width))))
        return
    server = [sys.executable, "tests/fake_provider.py", "--port", "0", "--latency-ms", str(options.latency_ms)]
    with subprocess.Popen(server, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            base_url = process.stdout.readline().removeprefix("listening on ").strip()
            results: dict[str, list[dict[str, float]]] = {name: [] for name in CONTENDERS}
            for _ in range(options.rounds):
                for name in CONTENDERS:
                    results[name].append(run_child(name, base_url, options))
        finally:
            process.kill()
    print(report(results, options.calls))


if __name__ == "__main__":
    main()
