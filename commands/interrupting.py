"""Signals of work in the foreground: the first ends it in good order, the second at once."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


async def until_interrupted(
    work: Coroutine[Any, Any, None], *, drain: Callable[[], None], patience_s: float | None = None
) -> bool:
    """Whether the work was interrupted before its end, by SIGINT or SIGTERM.

    The first signal calls ``drain`` (start nothing new), and the work goes on to its end with what is out. A second
    signal, or ``patience_s`` seconds, cancel it. A signal that the process ignores stays ignored.
    """
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    received: list[signal.Signals] = []

    def on_signal(name: signal.Signals) -> None:
        received.append(name)
        if len(received) > 1:
            task.cancel()
            return
        drain()
        if patience_s is not None:
            loop.call_later(patience_s, task.cancel)

    installed = []
    for name in SIGNALS:
        if signal.getsignal(name) is not signal.SIG_IGN:
            with suppress(NotImplementedError):  # Windows: the interpreter raises KeyboardInterrupt by itself
                loop.add_signal_handler(name, on_signal, name)
                installed.append(name)
    try:
        await task
    except asyncio.CancelledError:
        if not received:
            raise
    finally:
        for name in installed:
            loop.remove_signal_handler(name)
    return bool(received)
