"""The worker process that a server starts, watches and stops."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from contextlib import suppress
from pathlib import Path

logger = logging.getLogger(__name__)

STOP_S = 35.0
FIRST_PAUSE_S, LONGEST_PAUSE_S, STEADY_S = 1.0, 60.0, 60.0
ROOT = Path(__file__).resolve().parent.parent


async def watch_worker(environment: dict[str, str]) -> None:
    """Keep one worker process alive until cancelled; then end it in good order.

    A worker that dies is started again after a pause that doubles, up to a minute, while it keeps dying early.
    """
    pause = FIRST_PAUSE_S
    loop = asyncio.get_running_loop()
    while True:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cli", "worker", "--watched", cwd=ROOT, env=environment
        )
        started = loop.time()
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            await _end(process)
            raise
        pause = FIRST_PAUSE_S if loop.time() - started > STEADY_S else min(2 * pause, LONGEST_PAUSE_S)
        logger.warning("the worker ended with code %s; starting it again in %.0f s", code, pause)
        await asyncio.sleep(pause)


async def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(asyncio.shield(process.wait()), STOP_S)
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
