"""The worker process that a server starts, watches and stops."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from contextlib import suppress
from pathlib import Path

from experiments.background import Loop, LoopState, loop_state

logger = logging.getLogger(__name__)

STOP_S = 35.0
FIRST_PAUSE_S, LONGEST_PAUSE_S, STEADY_S = 1.0, 60.0, 60.0
ROOT = Path(__file__).resolve().parent.parent


async def watch_worker(environment: dict[str, str]) -> None:
    """Keep one worker process alive until cancelled; then end it in good order.

    A worker that dies, or that cannot be started, is started again after a pause that doubles, up to a minute, while it
    keeps dying early.
    """
    pause = FIRST_PAUSE_S
    loop = asyncio.get_running_loop()
    state = loop_state(Loop.WORKER_WATCH)
    while True:
        started = loop.time()
        try:
            code = await _one_worker(environment, state)
            logger.warning("the worker ended with code %s", code)
        except Exception as error:  # a machine without memory or places for a process
            state.failed(error)
        pause = FIRST_PAUSE_S if loop.time() - started > STEADY_S else min(2 * pause, LONGEST_PAUSE_S)
        logger.warning("the worker is started again in %.0f s", pause)
        await asyncio.sleep(pause)


async def _one_worker(environment: dict[str, str], state: LoopState) -> int:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cli", "worker", "--watched", cwd=ROOT, env=environment
    )
    state.works()
    try:
        return await process.wait()
    except asyncio.CancelledError:
        await _end(process)
        raise


async def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
