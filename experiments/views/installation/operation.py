"""Numbers for the person on call."""

from __future__ import annotations

from datetime import timedelta

from experiments.vocabulary import RunState
from storage.store import Store

HEARTBEAT_GRACE = timedelta(seconds=60)


def workers_alive(store: Store) -> int:
    """How many workers have given a sign of life in the last minute."""
    with store.read() as tx:
        return len(tx.installation.workers_alive(store.clock() - HEARTBEAT_GRACE))


def operation_numbers(store: Store) -> dict[str, tuple[str, str, float]]:
    """Name → (Prometheus type, help, value)."""
    with store.read() as tx:
        now = store.clock()
        states = [RunState(run.state) for run in tx.runs.newest_by_experiment().values()]
        return {
            "workers_alive": (
                "gauge",
                "Workers with a fresh heartbeat.",
                len(tx.installation.workers_alive(now - HEARTBEAT_GRACE)),
            ),
            "runs_waiting": ("gauge", "Runs that are queued.", states.count(RunState.QUEUED)),
            "runs_running": ("gauge", "Runs that are being worked on.", states.count(RunState.RUNNING)),
            "runs_stopped": ("gauge", "Runs that a guard stopped.", states.count(RunState.STOPPED)),
            "previews_waiting": (
                "gauge",
                "Single tries that wait for a worker.",
                len(tx.previews.queued(1000)),
            ),
            "spent_usd_30_days": (
                "gauge",
                "US dollars of model calls in the last 30 days.",
                tx.installation.spent_since(now - timedelta(days=30)),
            ),
        }
