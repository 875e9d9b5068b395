"""Running sums of what live calls cost, kept with the calls: no page and no budget adds up a month of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from experiments.vocabulary import SIMULATED_PREFIX
from storage.live_tables import LiveJudgement, LiveSpend, ShadowAskRow
from storage.live_work import SENDING

Key = tuple[str, str, str, str, int]


def add_spending(session: Session, calls: Sequence[Mapping[str, Any]]) -> None:
    """Add calls that were stored a moment ago, each once."""
    sums: dict[Key, list[float]] = {}
    for call in calls:
        day, purpose = call["at"].date().isoformat(), call.get("purpose") or ("shadow" if call["shadow"] else "live")
        key = (day, purpose, call["model"], call["prompt"], call["version"] or 0)
        total = sums.setdefault(key, [0.0, 0, 0])
        total[0] += call["cost_usd"] or 0.0
        total[1] += 1
        total[2] += call["cost_usd"] is None
    make = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    for key, (usd, number, unknown) in sorted(sums.items()):  # in one order, so that two writers never wait in a ring
        names = ("day", "purpose", "model", "prompt", "version")
        insert = make(LiveSpend).values(
            **dict(zip(names, key, strict=True)), usd=usd, calls=int(number), unknown_calls=int(unknown)
        )
        added = {name: getattr(LiveSpend, name) + insert.excluded[name] for name in ("usd", "calls", "unknown_calls")}
        session.execute(insert.on_conflict_do_update(index_elements=names, set_=added))


def spent_live_since(session: Session, since: datetime) -> float:
    """US dollars of live, shadow and judge calls from that day (UTC) on; those that are out count by their estimate.

    Simulated calls never count.
    """
    settled = select(func.sum(col(LiveSpend.usd))).where(
        col(LiveSpend.day) >= since.date().isoformat(), col(LiveSpend.model).not_like(f"{SIMULATED_PREFIX}%")
    )
    out = select(func.sum(col(ShadowAskRow.estimated_cost_usd))).where(
        col(ShadowAskRow.state) == SENDING, col(ShadowAskRow.at) >= since
    )
    judging = select(func.sum(col(LiveJudgement.estimated_cost_usd))).where(
        col(LiveJudgement.state) == SENDING,
        col(LiveJudgement.started_at) >= since,
        col(LiveJudgement.model).not_like(f"{SIMULATED_PREFIX}%"),
    )
    return sum(float(session.execute(query).scalar() or 0.0) for query in (settled, out, judging))
