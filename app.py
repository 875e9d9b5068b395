"""The composition root: pages, HTTP routes and the worker of one server, over one store.

``streamlit run app.py``, ``uvicorn app:app`` and ``bakeoff serve`` all start this. It imports everything; nobody
imports it (``bakeoff serve`` runs it).
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import streamlit as st
from starlette.routing import Mount, Route

from commands.sample_loader import load_sample_apart
from commands.starting import brought_up_to_date, once_reachable
from commands.worker_process import watch_worker
from experiments.actions.sample.load_sample import sample_is_wanted
from gateway import routes
from gateway.callers import Admission
from gateway.live import LiveGateway
from settings import Settings
from storage.checkpoints import Checkpointer
from storage.store import open_store

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")

settings = Settings.from_env()
settings.check_bind()
store = open_store(settings.database_url, home=settings.home)
live = LiveGateway(store, settings.home, os.environ)


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[None]:  # noqa: ANN401
    """The schema, live traffic, a watched worker, the sample project. Without a database, live traffic alone begins."""
    is_there = await asyncio.to_thread(brought_up_to_date, store)
    await live.start()
    beside = [asyncio.create_task(asyncio.to_thread(warm))]
    checkpointer = Checkpointer(store.engine)

    async def begin() -> None:
        environment = {**os.environ, **settings.as_env()}
        if settings.run_worker:
            beside.append(asyncio.create_task(watch_worker(environment)))
        else:
            checkpointer.start()
        if settings.load_sample and sample_is_wanted(store):
            beside.append(asyncio.create_task(load_sample_apart(environment)))

    if is_there:
        await begin()
    else:
        beside.append(asyncio.create_task(once_reachable(store, begin)))
    try:
        yield
    finally:
        await live.stop()
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        await asyncio.to_thread(checkpointer.stop)
        store.close()


def warm() -> None:
    """Import what the first result page needs (3 seconds of processor time), so that nobody waits for it there."""
    for name in ("pandas", "altair", "experiments.results.decision"):
        importlib.import_module(name)
    gc.freeze()  # as the gateway does with what is loaded before it starts


app = st.App(
    "pages/navigation.py",
    routes=[
        Mount("/v1", app=routes.chat(live)),
        Mount("/ofrep", app=routes.flags(live)),
        Mount("/api", app=routes.api(store, live)),
        *(Route(path, endpoint) for path, endpoint in routes.operation(store, live).items()),
        *(Route(path, endpoint) for path, endpoint in routes.raters(store).items()),
    ],
    middleware=routes.middleware(Admission(settings.insecure_no_login, settings.allowed_hosts)),
    lifespan=lifespan,
)
