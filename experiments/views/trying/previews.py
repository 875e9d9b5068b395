"""Single tries of the prompt page: what came back so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from experiments.vocabulary import is_simulated
from storage.records import PreviewRecord
from storage.store import Store


@dataclass(frozen=True, slots=True)
class TryView:
    """One answer of a try; ``state`` is queued, sending, done or failed. ``text`` is empty until it is done."""

    letter: str
    state: str
    model: str
    simulated: bool
    text: str
    response_class: str | None
    tool_calls: list[dict[str, Any]] | None
    error_kind: str | None
    error_message: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    latency_ms: float | None
    cost_usd: float | None

    @property
    def ended(self) -> bool:
        """True when nothing more will come."""
        return self.state in ("done", "failed")


def try_results(store: Store, batch_id: str) -> dict[str, TryView]:
    """The answers of one try by letter; empty for an unknown one."""
    with store.read() as tx:
        return {record.letter: _view(record) for record in tx.previews.batch(batch_id)}


def _view(record: PreviewRecord) -> TryView:
    answer: Mapping[str, Any] = record.answer or {}
    failed = record.state == "failed"
    model = str(record.request["model"])
    return TryView(
        letter=record.letter,
        state=record.state,
        model=model,
        simulated=is_simulated(model),
        text="" if failed else str(answer.get("text", "")),
        response_class=answer.get("response_class"),
        tool_calls=answer.get("tool_calls") or None,
        error_kind=answer.get("kind") if failed else None,
        error_message=answer.get("message") if failed else None,
        prompt_tokens=answer.get("prompt_tokens"),
        completion_tokens=answer.get("completion_tokens"),
        latency_ms=answer.get("latency_ms"),
        cost_usd=record.cost_usd,
    )
