"""``python -m commands.sample_loader``: load the sample project and end; a server starts this beside itself.

A process of its own, because playing the sample needs the statistics (200 MB) that a server should not keep, and the
first page should not wait for it.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path

from commands import terminal
from experiments.actions.sample.load_sample import load_sample_once
from experiments.errors import BakeoffError

logger = logging.getLogger(__name__)
ROOT = Path(__file__).resolve().parent.parent


async def load_sample_apart(environment: dict[str, str]) -> None:
    """Load the sample in a process of its own; a failure is logged, the server goes on without it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "commands.sample_loader", cwd=ROOT, env=environment
    )
    try:
        code = await process.wait()
    except asyncio.CancelledError:
        process.terminate()
        await process.wait()
        raise
    if code != 0:
        logger.warning("the sample project could not be loaded (exit code %s); the next start tries again", code)


def main() -> int:
    """Load it where it is wanted; exit code 2 with one line when that cannot be."""
    try:
        load_sample_once(terminal.store())
    except (BakeoffError, OSError) as error:
        sys.stderr.write(f"bakeoff: the sample project: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
