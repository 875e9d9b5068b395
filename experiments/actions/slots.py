"""So many things at a time: slots that share one queue, and the database read that fills it chunk by chunk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from typing import Any, TypeVar

from experiments.errors import BakeoffError

Item = TypeVar("Item")


async def work_through(
    chunks: Iterator[Sequence[Item]],
    slot: Callable[[AsyncIterator[Item]], Coroutine[Any, Any, None]],
    *,
    width: int,
    stopping: Callable[[], bool],
) -> None:
    """Runs ``width`` slots, each over the items that it gets, until all are through or ``stopping`` says so.

    ``chunks`` is read in a thread, no further ahead than two items per slot. Items of a chunk that is under way when it
    stops are not given out; a slot finishes the one that it has.

    Raises:
        BakeoffError: the first that a slot or a chunk raised; the other slots are cancelled.
    """
    queue: asyncio.Queue[Item | None] = asyncio.Queue(maxsize=2 * width)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_fill(queue, chunks, width=width, stopping=stopping))
            for _ in range(width):
                group.create_task(slot(_items(queue, stopping)))
    except* BakeoffError as errors:
        raise errors.exceptions[0] from None


async def _fill(
    queue: asyncio.Queue[Item | None],
    chunks: Iterator[Sequence[Item]],
    *,
    width: int,
    stopping: Callable[[], bool],
) -> None:
    while not stopping():
        chunk = await asyncio.to_thread(next, chunks, None)
        if chunk is None:
            break
        for item in chunk:
            if stopping():
                break
            await queue.put(item)
    for _ in range(width):
        await queue.put(None)


async def _items(queue: asyncio.Queue[Item | None], stopping: Callable[[], bool]) -> AsyncIterator[Item]:
    while (item := await queue.get()) is not None:
        if not stopping():
            yield item
