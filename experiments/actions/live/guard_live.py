"""What a live test does by itself: back to the control when a limit is surely broken, a pause when one is in doubt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.actions.live.control_live import GUARD, paused, stopped
from experiments.errors import Conflict
from experiments.live.assignment import LiveState
from experiments.vocabulary import Actor
from storage.records import LivePhaseRecord
from storage.store import Store

if TYPE_CHECKING:
    from experiments.live.guard import GuardAction


def obey_guard(store: Store, phase: LivePhaseRecord, action: GuardAction) -> LivePhaseRecord | None:
    """The phase as it is now; None when nothing was to be done.

    A test that somebody resumed is not paused again for the same cause, but still rolled back.
    """
    actor = Actor(GUARD)
    try:
        with store.begin() as tx:
            now = tx.live.get(phase.id)
            if action.action == "roll_back" and now.state != LiveState.STOPPED:
                control = now.settings["control"]
                return stopped(tx, now, actor=actor, everyone=control, reason=action.reason, action="live_rolled_back")
            known = now.settings.get("guarded", [])
            if action.action != "pause" or now.state != LiveState.RUNNING or action.cause in known:
                return None
            held = paused(tx, now, actor=actor, reason=action.reason)
            return tx.live.change(held, settings={**held.settings, "guarded": [*known, action.cause]})
    except Conflict:
        return None  # somebody changed it at this moment: the next look judges what they made of it
