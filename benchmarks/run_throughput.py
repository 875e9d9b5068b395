"""A whole run against a local server, beside bare loops over the same calls in the same sitting.

2 variants × 1,000 rows, 50 ms, 64 wide, scored and stored on SQLite, through both engines of the completions door:

    python benchmarks/run_throughput.py [--rows 1000] [--rounds 3]

Prints wall seconds, CPU seconds and peak memory of each process, calls per second, and the ratios to the bare aiohttp
loop and the bare litellm loop. Each subject runs in a fresh process, interleaved (A B C D, A B C D …); medians.
Targets: lean ≤ 1.75 × bare aiohttp wall and ≤ 3 CPU s; litellm ≤ 1.10 × bare litellm; memory ≤ 90 MB and ≤ 230 MB.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUBJECTS = ("bare_aiohttp", "bakeoff_lean", "bare_litellm", "bakeoff_litellm")

EXPERIMENT = """
name: throughput
dataset: rows.csv
reference: answer
variants:
  - {{name: A, prompt: "Answer briefly. {{{{question}}}}", model: openai/fake-small}}
  - {{name: B, prompt: "Think, then answer briefly. {{{{question}}}}", model: openai/fake-small}}
scorers: [exact_match, {{regex: {{pattern: "(?i)step"}}}}]
plan: {{primary: {{metric: exact_match, smallest_effect: 0.03}}}}
limits: {{concurrency: {width}, cache: false}}
"""


def main() -> None:
    """Run all subjects in turn and print the table."""
    options = _options()
    if options.subject:
        _subject(options)
        return
    found: dict[str, list[dict[str, float]]] = {name: [] for name in SUBJECTS}
    with tempfile.TemporaryDirectory() as folder, _Server(options.latency_ms) as base_url:
        _write_rows(Path(folder) / "rows.csv", options.rows)
        for round_number in range(options.rounds):
            for name in SUBJECTS:
                found[name].append(_measure(name, options, base_url, Path(folder), round_number))
                print(name, found[name][-1], file=sys.stderr)
    _print_table(found, 2 * options.rows)


def _measure(name: str, options: argparse.Namespace, base_url: str, folder: Path, number: int) -> dict[str, float]:
    home = folder / f"{name}-{number}"
    engine = "litellm" if name.endswith("litellm") else "lean"
    environment = {
        **os.environ,
        "OPENAI_API_BASE": base_url,
        "OPENAI_API_KEY": "sk-benchmark",
        "BAKEOFF_HOME": str(home),
        "BAKEOFF_ENGINE": engine,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "PYTHONPATH": str(ROOT),
    }
    environment.pop("BAKEOFF_DATABASE_URL", None)
    command = [sys.executable, __file__, "--rows", str(options.rows), "--width", str(options.width), "--subject"]
    if name.startswith("bakeoff"):
        subprocess.run([*command, "prepare"], env=environment, cwd=folder, check=True, capture_output=True)
    command.append(name)
    done = subprocess.run(command, env=environment, cwd=folder, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def _subject(options: argparse.Namespace) -> None:
    """Inside the fresh process: do the work, print what it took."""
    started = time.perf_counter()
    work = {
        "bare_aiohttp": _bare_aiohttp,
        "bare_litellm": _bare_litellm,
        "bakeoff_lean": _bakeoff,
        "bakeoff_litellm": _bakeoff,
        "prepare": _prepare,
    }[options.subject]
    calling_s = work(options)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "wall_s": time.perf_counter() - started,
                "calling_s": calling_s,
                "cpu_s": usage.ru_utime + usage.ru_stime,
                "peak_mb": usage.ru_maxrss / 1024,
            }
        )
    )


def _prompts(rows: int) -> list[str]:
    questions = [f"Question {i}: how much is {i} plus {i + 7}?" for i in range(rows)]
    return [f"{start} {q}" for q in questions for start in ("Answer briefly.", "Think, then answer briefly.")]


def _bare_aiohttp(options: argparse.Namespace) -> float:
    import asyncio

    import aiohttp
    import uvloop

    async def go() -> float:
        url = os.environ["OPENAI_API_BASE"] + "/chat/completions"
        semaphore = asyncio.Semaphore(options.width)
        started = time.perf_counter()
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=options.width)) as session:

            async def one(prompt: str) -> str:
                body = {"model": "fake-small", "messages": [{"role": "user", "content": prompt}]}
                async with semaphore, session.post(url, json=body) as response:
                    return (await response.json())["choices"][0]["message"]["content"]

            await asyncio.gather(*(one(p) for p in _prompts(options.rows)))
        return time.perf_counter() - started

    return uvloop.run(go())


def _bare_litellm(options: argparse.Namespace) -> float:
    import asyncio

    import litellm  # noqa: TID251 - the bare loop that ours is measured against
    import uvloop

    litellm.suppress_debug_info = True

    async def go() -> float:
        semaphore = asyncio.Semaphore(options.width)

        async def one(prompt: str) -> None:
            async with semaphore:
                await litellm.acompletion(
                    model="openai/fake-small",
                    messages=[{"role": "user", "content": prompt}],
                    api_base=os.environ["OPENAI_API_BASE"],
                    api_key="sk-benchmark",
                    max_retries=0,
                    num_retries=0,
                )

        started = time.perf_counter()
        await asyncio.gather(*(one(p) for p in _prompts(options.rows)))
        return time.perf_counter() - started

    return uvloop.run(go())


def _prepare(options: argparse.Namespace) -> float:
    """Schema, test set and queued run, as a server or terminal does them before a worker comes."""
    from commands import terminal
    from commands.experiment_source import load_experiment
    from experiments.actions.runs.start_run import start_run

    file = Path("throughput.yaml")
    file.write_text(EXPERIMENT.format(width=options.width))
    _, experiment = load_experiment(terminal.store(), file, actor=terminal.actor())
    start_run(terminal.store(), experiment.name, actor=terminal.actor())
    return 0.0


def _bakeoff(options: argparse.Namespace) -> float:
    """What a worker does with a queued run; the analysis has a process of its own."""
    from commands import terminal
    from commands.event_loop import run_loop
    from experiments.actions.runs.work import Worker
    from experiments.completions import CompletionSettings, open_completions
    from experiments.completions.litellm_setup import litellm_module
    from experiments.vocabulary import OutputStatus

    store = terminal.store()
    with store.read() as tx:
        [run_id] = tx.runs.claimable(store.clock())

    async def go() -> float:
        completions = open_completions(CompletionSettings.from_env(os.environ))
        if os.environ["BAKEOFF_ENGINE"] == "litellm":
            litellm_module()  # outside the clock, as in the bare loop
        worker = Worker(store, completions)
        run = worker.claim(run_id)
        assert run is not None
        started = time.perf_counter()
        await worker.work_on(run)
        await completions.aclose()
        return time.perf_counter() - started

    took = run_loop(go())
    with store.read() as tx:
        ok = sum(c["count"] for c in tx.runs.counts(run_id) if c["status"] == OutputStatus.OK)
    assert ok == 2 * options.rows, ok
    return took


class _Server:
    """The fake provider as a process of its own."""

    def __init__(self, latency_ms: float) -> None:
        self._latency_ms = latency_ms

    def __enter__(self) -> str:
        command = [sys.executable, "-m", "tests.fake_provider", "--port", "0", "--latency-ms", str(self._latency_ms)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        return line.split()[-1] if "http" in line else f"http://127.0.0.1:{line.split()[-1]}/v1"

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()


def _write_rows(path: Path, rows: int) -> None:
    lines = ["question,answer", *(f'"Question {i}: how much is {i} plus {i + 7}?",{2 * i + 7}' for i in range(rows))]
    path.write_text("\n".join(lines))


def _print_table(found: dict[str, list[dict[str, float]]], calls: int) -> None:
    middle = {
        name: {key: statistics.median(run[key] for run in runs) for key in runs[0]} for name, runs in found.items()
    }
    print("| subject | calling s | CPU s (whole process) | peak MB | calls/s | × bare loop (calling) |")
    print("|---|---|---|---|---|---|")
    for name, m in middle.items():
        bare = middle["bare_litellm" if name.endswith("litellm") else "bare_aiohttp"]
        print(
            f"| {name} | {m['calling_s']:.2f} | {m['cpu_s']:.2f} | {m['peak_mb']:.0f} | {calls / m['calling_s']:.0f} "
            f"| {m['calling_s'] / bare['calling_s']:.2f} |"
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--latency-ms", type=float, default=50)
    parser.add_argument("--subject", choices=(*SUBJECTS, "prepare"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
