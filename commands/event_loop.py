"""The event loop of workers and runs."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


def run_loop(main: Coroutine[Any, Any, Result]) -> Result:
    """The result of ``main`` in a loop of its own: uvloop's, or asyncio's where uvloop does not exist (Windows)."""
    gc.freeze()  # what is loaded stays: a full collection would walk through all of it, 80 ms each time
    gc.freeze()
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    return uvloop.run(main)
