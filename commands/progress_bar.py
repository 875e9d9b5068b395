"""The progress bar of a run in the foreground, and of one that another process works on."""

from __future__ import annotations

import asyncio
from types import TracebackType

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from commands import terminal
from experiments.views.runs.progress import RunProgress, run_progress
from storage.records import RunRecord
from storage.store import Store

REFRESH_S = 1.0


class ProgressBar:
    """Done of total, time left, money, failures; to stderr, silent when that is no terminal."""

    def __init__(self, store: Store, run: RunRecord) -> None:
        self._store = store
        self._run = run
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[note]}"),
            console=terminal.messages(),
            disable=not terminal.messages().is_terminal,
        )

    def __enter__(self) -> ProgressBar:
        """Start drawing."""
        now = run_progress(self._store, self._run.experiment_id)
        done = now.done if now else 0
        self._task = self._bar.add_task("answers", total=self._run.planned_trials, completed=done, note="")
        self._bar.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Draw the end state and stop."""
        now = run_progress(self._store, self._run.experiment_id)
        if now is not None:
            self._show(now)
        self._bar.stop()
        if now is not None:
            terminal.say(summary(now))

    def advance(self, count: int) -> None:
        """That many more trials have their result."""
        self._bar.advance(self._task, count)

    async def follow(self) -> bool:
        """Show how far another worker is, for a second; False when the run has ended."""
        now = await asyncio.to_thread(run_progress, self._store, self._run.experiment_id)
        if now is None or now.ended:
            return False
        self._show(now)
        await asyncio.sleep(REFRESH_S)
        return True

    def _show(self, now: RunProgress) -> None:
        self._bar.update(self._task, completed=now.done, total=now.planned, note=_note(now))


def _note(now: RunProgress) -> str:
    parts = [now.waits_for] if now.waits_for else []
    parts.append(f"${now.spent_usd:.4f}")
    parts += [f"judging {one.metric} {one.done}/{one.wanted}" for one in now.judging if one.done]
    parts += [f"{count} {kind.replace('_', ' ')}" for kind, count in now.failures().items()]
    return " · ".join(parts)


def summary(now: RunProgress) -> str:
    """One line: what is there, what failed, what it cost."""
    parts = [f"{now.ok} answers", f"{now.failed} failed", f"spent ${now.spent_usd:.4f}"]
    if now.judging:
        judged = sum(one.done for one in now.judging)
        parts.append(f"{judged} judged for ${now.judge_usd:.4f} of it")
    if now.cached:
        parts.insert(1, f"{now.cached} from the cache")
    if now.unknown_calls:
        parts.append(f"{now.unknown_calls} calls of unknown cost")
    failures = "; ".join(f"{count} × {kind.replace('_', ' ')}" for kind, count in now.failures().items())
    return ", ".join(parts) + (f" ({failures})" if failures else "")
