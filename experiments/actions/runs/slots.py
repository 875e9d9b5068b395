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
        BakeoffError: the first that a slot or a chunk raised. The other slots start nothing new and finish the item
            that they have: what is out may be paid already.
    """
    queue: asyncio.Queue[Item | None] = asyncio.Queue(maxsize=2 * width)
    problems: list[BakeoffError] = []

    def ending() -> bool:
        return bool(problems) or stopping()

    async def fill() -> None:
        try:
            await _fill(queue, chunks, stopping=ending)
        except BakeoffError as problem:
            problems.append(problem)
        for _ in range(width):
            await queue.put(None)

    async def work() -> None:
        items = _items(queue, ending)
        try:
            await slot(items)
        except BakeoffError as problem:
            problems.append(problem)
            async for _ in items:  # takes its share of the queue to the end, so that nobody waits for room in it
                pass

    async with asyncio.TaskGroup() as group:
        group.create_task(fill())
        for _ in range(width):
            group.create_task(work())
    if problems:
        raise problems[0]


async def _fill(
    queue: asyncio.Queue[Item | None],
    chunks: Iterator[Sequence[Item]],
    *,
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


async def _items(queue: asyncio.Queue[Item | None], stopping: Callable[[], bool]) -> AsyncIterator[Item]:
    while (item := await queue.get()) is not None:
        if not stopping():
            yield item
