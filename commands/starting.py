"""A server may start while its database is away: live traffic goes on, the rest begins when the database is there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from experiments.errors import Unavailable
from storage import schema
from storage.store import Store

logger = logging.getLogger(__name__)

TRY_AGAIN_S = 2.0


def brought_up_to_date(store: Store) -> bool:
    """Whether the database is there, at this program's schema; False while it cannot be reached.

    Raises:
        BakeoffError: ``newer_schema`` when the database was written by a newer program.
    """
    try:
        schema.upgrade(store.engine)
    except Unavailable:
        return False
    return True


async def once_reachable(store: Store, begin: Callable[[], Awaitable[None]]) -> None:
    """Waits for the database, brings it to this program's schema, then begins."""
    logger.warning("the database cannot be reached; live traffic is answered from what was last known")
    while not await asyncio.to_thread(brought_up_to_date, store):
        await asyncio.sleep(TRY_AGAIN_S)
    logger.warning("the database is back")
    await begin()
