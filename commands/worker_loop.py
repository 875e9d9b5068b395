"""A worker process: signals, the watcher that may vanish, analysis of finished runs in a process of its own."""

from __future__ import annotations

import asyncio
import logging
import os
import sys

from commands.interrupting import until_interrupted
from experiments.actions.live.work_live import LiveWorker
from experiments.actions.runs.work import Worker
from experiments.completions import CompletionSettings, open_completions
from storage.checkpoints import Checkpointer
from storage.records import RunRecord
from storage.store import Store

logger = logging.getLogger(__name__)

ANALYSIS_PATIENCE_S = 600


async def work_until_told(store: Store, *, concurrency: int | None = None, parent: int | None = None) -> None:
    """Work until SIGTERM or SIGINT, or until the process ``parent`` that watches this one is gone.

    The first signal lets calls that are out end; the second does not wait for them.
    """
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s worker %(levelname)s %(message)s")
    completions = open_completions(CompletionSettings.from_env(os.environ))
    worker = Worker(store, completions, concurrency=concurrency, on_finished=analyse_apart)

    def drain() -> None:
        logger.info("stopping: calls that are out are finished; once more to end at once")
        worker.stop()

    checkpointer = Checkpointer(store.engine)
    checkpointer.start()
    live = asyncio.create_task(LiveWorker(store, completions, worker.id, analyse_by_id).serve())
    watch = asyncio.create_task(_stop_without(parent, worker)) if parent is not None else None
    try:
        await until_interrupted(worker.serve(), drain=drain)
    finally:
        live.cancel()
        await asyncio.gather(live, return_exceptions=True)
        if watch is not None:
            watch.cancel()
        await completions.aclose()
        await asyncio.to_thread(checkpointer.stop)


async def analyse_apart(run: RunRecord) -> None:
    """Analyse a finished run in a process of its own: the statistics need 200 MB that a worker should not keep."""
    if run.kind == "full":
        await analyse_by_id(run.experiment_id)


async def analyse_by_id(experiment_id: str) -> None:
    """Analyse an experiment in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "commands.analyse_one", experiment_id, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(ANALYSIS_PATIENCE_S):
            code = await process.wait()
    except TimeoutError:
        process.kill()
        code = -1
    except asyncio.CancelledError:
        process.kill()
        raise
    if code != 0:
        logger.warning("an analysis ended with code %s; pages will compute it when asked", code)


async def _stop_without(parent: int, worker: Worker) -> None:
    while os.getppid() == parent:
        await asyncio.sleep(1.0)
    logger.info("the server is gone; stopping")
    worker.stop()
