"""Sums over the users of a live test, made by the database: a million requests come back as one row per variant.

Only users count whom the split drew, who met one variant, and what they did from their first exposure on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    Subquery,
    and_,
    case,
    func,
    literal,
    select,
)
from sqlmodel import Session, col

from experiments.live.events import ABANDONED
from experiments.value_ranges import ANY, DENOMINATORS
from storage.call_metrics import CALL_METRICS, Sql, answered, flag, not_abandoned
from storage.live_caps import Caps, sums_per_variant
from storage.live_tables import ExposureCrossing, ExposureRow, GatewayCallRow, LiveScore, OutcomeRow
from storage.records import LivePhaseRecord
from storage.tables import table_of

Sums = dict[str, dict[str, float]]
"""Variant → units, y, yy, n, nn, yn, ones (1 or 0) and the further columns of ``live_caps.sums_per_variant``."""
Grades = dict[str, list[tuple[float, int]]]
"""Variant → values, and how many users have each."""
Fold = Literal["requests", "mean", "ever", "total", "mean_or_zero"]
"""How a user's values become one: total and count, or counted once their mean, the largest, the total, the mean.

With the last three a user without any value counts as 0.
"""


def standing() -> list[ColumnElement[bool]]:
    """What makes an outcome count: nobody took it back, and it is of a size that can be summed up.

    Values beyond were taken by earlier versions of this program; one of them made every sum infinite.
    """
    return [
        col(OutcomeRow.voided_at).is_(None),
        col(OutcomeRow.value).between(ANY.lowest, ANY.highest),
        col(OutcomeRow.denominator).between(DENOMINATORS.lowest, DENOMINATORS.highest),
    ]


@dataclass(frozen=True, slots=True)
class _Events:
    """What happened to users: rows to join with their exposures, what each is worth, and how they become one."""

    source: FromClause
    joined: ColumnElement[bool]
    value: Sql
    weight: Sql
    fold: Fold


@dataclass(frozen=True, slots=True)
class EarlierValue:
    """A value of a user from before: the mean, the total, the total denominator, or the number of earlier reports."""

    metric: str
    of: Literal["mean", "total", "weight", "count"]


class LiveSumsQueries:
    """Sums of one phase in one transaction; ``slice_of`` is (attribute, value) or None for all users."""

    def __init__(self, session: Session, phase: LivePhaseRecord, *, slice_of: tuple[str, str] | None = None) -> None:
        self._session = session
        self._phase = phase
        self._slice = slice_of

    def exposed(self) -> dict[str, int]:
        """Users per variant who count."""
        rows = self._session.execute(
            select(col(ExposureRow.variant), func.count()).where(*self._counted()).group_by(col(ExposureRow.variant))
        )
        return {variant: int(number) for variant, number in rows}

    def of_outcome(self, metric: str, fold: Fold, *, caps: Caps, since: datetime | None = None) -> Sums:
        """Sums of a reported outcome, contributions of single users cut as ``caps`` say.

        With ``since`` also of the same outcome from then until each user's first exposure, over the ``known`` users who
        have one: x, xx, xy, and y_known.
        """
        before = None if since is None else self._before(metric, fold, since)
        return self._sums(self._outcomes(metric, fold), caps, before)

    def of_outcome_with(
        self, metric: str, fold: Fold, earlier: Sequence[EarlierValue], *, caps: Caps, since: datetime
    ) -> Sums:
        """Sums of a reported outcome with several values from before (columns as ``live_caps.several_earlier``).

        A user without an earlier value has the mean of those who have one, or 0 where the value is a number of reports
        or their total.
        """
        users = self._per_user(self._outcomes(metric, fold))
        rows: FromClause = users
        columns: list[Sql] = [users.c.variant, users.c.y, users.c.n]
        for place, value in enumerate(earlier):
            before = self._before_of(value, since)
            rows = rows.outerjoin(before, before.c.id == users.c.id)
            x = before.c.x if value.of == "mean" else func.coalesce(before.c.x, 0.0)
            columns += [x.label(f"x{place}")]
        return self._summed(select(*columns).select_from(rows).cte("users"), caps, several=len(earlier))

    def grades_of_outcome(self, metric: str, fold: Fold, *, most: int) -> Grades:
        """Users per value of a reported outcome; none when it has more than ``most`` different values."""
        return self._grades(self._outcomes(metric, fold), most=most)

    def _outcomes(self, metric: str, fold: Fold) -> _Events:
        conditions = [
            col(OutcomeRow.key) == self._phase.key,
            col(OutcomeRow.metric) == metric,
            col(OutcomeRow.unit) == col(ExposureRow.unit),
            col(OutcomeRow.at) >= col(ExposureRow.first_at),
            *standing(),
        ]
        if self._phase.ended_at is not None:
            conditions.append(col(OutcomeRow.at) <= self._phase.ended_at)
        return _Events(
            table_of(OutcomeRow), and_(*conditions), col(OutcomeRow.value), col(OutcomeRow.denominator), fold
        )

    def of_calls(self, metric: str, *, caps: Caps) -> Sums:
        """Sums of a metric that calls have by themselves."""
        wanted = CALL_METRICS[metric]
        joined = and_(self._own_calls(), wanted.having)
        return self._sums(_Events(table_of(GatewayCallRow), joined, wanted.value, literal(1.0), "requests"), caps)

    def of_score(self, metric: str, fingerprint: str, fold: Fold, *, caps: Caps) -> Sums:
        """Sums of what an automatic scorer says of sampled answers."""
        return self._sums(self._scores(metric, fingerprint, fold), caps)

    def grades_of_score(self, metric: str, fingerprint: str, fold: Fold, *, most: int) -> Grades:
        """Users per value of a scorer, as ``grades_of_outcome``."""
        return self._grades(self._scores(metric, fingerprint, fold), most=most)

    def _scores(self, metric: str, fingerprint: str, fold: Fold) -> _Events:
        scored = table_of(GatewayCallRow).join(table_of(LiveScore), col(LiveScore.call_id) == col(GatewayCallRow.id))
        joined = and_(
            self._own_calls(),
            col(LiveScore.metric) == metric,
            col(LiveScore.fingerprint) == fingerprint,
            col(LiveScore.value).between(ANY.lowest, ANY.highest),
        )
        return _Events(scored, joined, col(LiveScore.value), literal(1.0), fold)

    def call_values(self, metric: str, *, most: int) -> list[tuple[str, str, float]]:
        """(variant, exposure, value) of single calls, at most so many: of users drawn by their hash."""
        wanted = CALL_METRICS[metric]
        query = (
            select(col(ExposureRow.variant), col(ExposureRow.id), wanted.value)
            .join(table_of(GatewayCallRow), and_(self._own_calls(), wanted.having))
            .where(*self._counted())
            .order_by(col(ExposureRow.id))
            .limit(most)
        )
        return [(variant, identity, float(value)) for variant, identity, value in self._session.execute(query)]

    def slice_values(self, attribute: str, *, most: int) -> list[str]:
        """The most frequent values of an attribute."""
        value = col(ExposureRow.slices)[attribute].as_string()
        query = (
            select(value, func.count())
            .where(*self._counted(), value.is_not(None))
            .group_by(value)
            .order_by(func.count().desc(), value)
            .limit(most)
        )
        return [found for found, _ in self._session.execute(query)]

    def _counted(self) -> list[ColumnElement[bool]]:
        conditions = [
            col(ExposureRow.phase_id) == self._phase.id,
            col(ExposureRow.counted).is_(True),
            col(ExposureRow.crossed).is_(False),
        ]
        if self._slice is not None:
            attribute, wanted = self._slice
            conditions.append(col(ExposureRow.slices)[attribute].as_string() == wanted)
        return conditions

    def _own_calls(self) -> ColumnElement[bool]:
        return and_(col(GatewayCallRow.exposure_id) == col(ExposureRow.id), col(GatewayCallRow.shadow).is_(False))

    def _before(self, metric: str, fold: Fold, since: datetime) -> Subquery:
        return self._before_of(EarlierValue(metric, "total" if fold == "total" else "mean"), since)

    def _before_of(self, value: EarlierValue, since: datetime) -> Subquery:
        """Exposure and x of the users who have one; strictly before, so that no variant can have touched it."""
        earlier = and_(
            col(OutcomeRow.key) == self._phase.key,
            col(OutcomeRow.metric) == value.metric,
            col(OutcomeRow.unit) == col(ExposureRow.unit),
            col(OutcomeRow.at) < col(ExposureRow.first_at),
            col(OutcomeRow.at) >= since,
            *standing(),
        )
        total = func.sum(col(OutcomeRow.value) * 1.0)
        folded: dict[str, Sql] = {
            "total": total,
            "mean": total / func.count(),
            "weight": func.sum(col(OutcomeRow.denominator) * 1.0),
            "count": func.count() * 1.0,
        }
        return (
            select(col(ExposureRow.id).label("id"), folded[value.of].label("x"))
            .select_from(table_of(ExposureRow).join(table_of(OutcomeRow), earlier))
            .where(*self._counted())
            .group_by(col(ExposureRow.id))
            .subquery()
        )

    def _sums(self, events: _Events, caps: Caps, before: Subquery | None = None) -> Sums:
        users = self._per_user(events)
        columns: list[Sql] = [users.c.variant, users.c.y, users.c.n]
        rows = select(*columns)
        if before is not None:
            x = func.coalesce(before.c.x, 0.0) if events.fold == "total" else before.c.x
            rows = select(*columns, x.label("x")).select_from(users.outerjoin(before, before.c.id == users.c.id))
        return self._summed(rows.cte("users"), caps, earlier=before is not None)

    def _summed(self, users: CTE, caps: Caps, *, earlier: bool = False, several: int = 0) -> Sums:
        query = sums_per_variant(users, caps, earlier=earlier, several=several)
        found: Sums = {}
        for row in self._session.execute(query).mappings():
            # a column that has no value, such as the rate of users without requests, is left out
            held = {name: float(row[name]) for name in row if name != "variant" and row[name] is not None}
            found[row["variant"]] = held
        return found

    def _grades(self, events: _Events, *, most: int) -> Grades:
        users = self._per_user(events)
        query = (
            select(users.c.variant, users.c.y, func.count())
            .group_by(users.c.variant, users.c.y)
            .order_by(users.c.variant, users.c.y)
            .limit(most + 1)
        )
        rows = self._session.execute(query).all()
        found: Grades = {}
        for variant, value, units in rows if len(rows) <= most else ():
            found.setdefault(variant, []).append((float(value), int(units)))
        return found

    def _per_user(self, events: _Events) -> Subquery:
        number, fold = events.value * 1.0, events.fold
        folded = {
            "requests": (func.sum(number), func.sum(events.weight * 1.0)),
            "mean": (func.sum(number) / func.count(), literal(1.0)),
            "ever": (func.coalesce(func.max(number), 0.0), literal(1.0)),
            "total": (func.coalesce(func.sum(number), 0.0), literal(1.0)),
            "mean_or_zero": (func.coalesce(func.sum(number) / func.count(events.value), 0.0), literal(1.0)),
        }
        y, n = folded[fold]
        return (
            select(
                col(ExposureRow.id).label("id"), col(ExposureRow.variant).label("variant"), y.label("y"), n.label("n")
            )
            .select_from(
                table_of(ExposureRow).join(
                    events.source, events.joined, isouter=fold in ("ever", "total", "mean_or_zero")
                )
            )
            .where(*self._counted())
            .group_by(col(ExposureRow.id), col(ExposureRow.variant))
            .subquery()
        )


@dataclass(frozen=True, slots=True)
class Traffic:
    """What else a phase tells: users that met several variants, were replayed otherwise, or were not counted.

    ``calls`` maps variants to model calls, how many failed or were abandoned, cost, calls of unknown cost and mean
    latency (left out where every caller left), ``shadow`` to those nobody saw;
    ``users_failed`` to (users with a failed call, users with a call). ``first`` and ``last`` are exposures.
    """

    crossed: int
    not_replayed: int
    uncounted: Mapping[str, int]
    calls: Mapping[str, Mapping[str, float]]
    shadow: Mapping[str, Mapping[str, float]]
    users_failed: Mapping[str, tuple[int, int]]
    first: datetime | None
    last: datetime | None


def traffic_of(session: Session, phase: LivePhaseRecord) -> Traffic:
    """The traffic of a phase."""
    mine = col(ExposureRow.phase_id) == phase.id
    crossed = select(func.count(func.distinct(col(ExposureCrossing.unit)))).where(
        col(ExposureCrossing.phase_id) == phase.id
    )
    astray = select(func.count()).where(mine, col(ExposureRow.replayed).is_(False))
    uncounted = (
        select(col(ExposureRow.reason), func.count())
        .where(mine, col(ExposureRow.counted).is_(False))
        .group_by(col(ExposureRow.reason))
    )
    ends = select(func.min(col(ExposureRow.first_at)), func.max(col(ExposureRow.first_at))).where(
        mine, col(ExposureRow.counted).is_(True)
    )
    first, last = session.execute(ends).one()
    return Traffic(
        crossed=int(session.execute(crossed).scalar_one()),
        not_replayed=int(session.execute(astray).scalar_one()),
        uncounted={reason: int(number) for reason, number in session.execute(uncounted)},
        calls=_calls(session, phase, shadow=False),
        shadow=_calls(session, phase, shadow=True),
        users_failed=_users_failed(session, phase),
        first=first,
        last=last,
    )


def fingerprint_of(session: Session, phase: LivePhaseRecord) -> str:
    """Changes whenever an analysis of the phase would: a few counts."""
    counts = [
        select(func.count(), func.sum(case((col(ExposureRow.crossed), 1), else_=0))).where(
            col(ExposureRow.phase_id) == phase.id
        ),
        select(func.count(), func.max(col(OutcomeRow.received_at)), func.count(col(OutcomeRow.voided_at))).where(
            col(OutcomeRow.key) == phase.key
        ),
        select(func.count()).where(col(GatewayCallRow.phase_id) == phase.id),
        select(func.count(col(LiveScore.id)))
        .select_from(LiveScore)
        .join(GatewayCallRow, col(GatewayCallRow.id) == col(LiveScore.call_id))
        .where(col(GatewayCallRow.phase_id) == phase.id),
    ]
    return ":".join(str(value) for query in counts for value in session.execute(query).one())


def _calls(session: Session, phase: LivePhaseRecord, *, shadow: bool) -> dict[str, dict[str, float]]:
    query = (
        select(
            col(GatewayCallRow.variant),
            func.count().label("calls"),
            func.sum(flag(col(GatewayCallRow.status) == "failed")).label("failed"),
            func.sum(flag(col(GatewayCallRow.status) == ABANDONED)).label("abandoned"),
            func.sum(func.coalesce(col(GatewayCallRow.cost_usd), 0.0)).label("cost_usd"),
            func.sum(flag(col(GatewayCallRow.cost_usd).is_(None))).label("unknown"),
            func.sum(
                case((col(GatewayCallRow.cost_status) == "estimated", col(GatewayCallRow.cost_usd)), else_=0.0)
            ).label("estimated"),
            func.sum(flag(col(GatewayCallRow.fell_back))).label("fell_back"),
            func.avg(case((not_abandoned(), col(GatewayCallRow.latency_ms)))).label("latency_ms"),
        )
        .where(
            col(GatewayCallRow.phase_id) == phase.id,
            col(GatewayCallRow.shadow).is_(shadow),
            col(GatewayCallRow.variant).is_not(None),
        )
        .group_by(col(GatewayCallRow.variant))
    )
    rows = session.execute(query).mappings()
    return {
        row["variant"]: {name: float(row[name]) for name in row if name != "variant" and row[name] is not None}
        for row in rows
    }


def _users_failed(session: Session, phase: LivePhaseRecord) -> dict[str, tuple[int, int]]:
    users = (
        select(
            col(ExposureRow.variant).label("variant"),
            func.max(case((answered(), 0.0), else_=1.0)).label("failed"),
        )
        .join(GatewayCallRow, col(GatewayCallRow.exposure_id) == col(ExposureRow.id))
        .where(
            col(ExposureRow.phase_id) == phase.id,
            col(ExposureRow.counted).is_(True),
            col(GatewayCallRow.shadow).is_(False),
            not_abandoned(),
        )
        .group_by(col(ExposureRow.id), col(ExposureRow.variant))
        .subquery()
    )
    query = select(users.c.variant, func.sum(users.c.failed), func.count()).group_by(users.c.variant)
    return {variant: (int(failed), int(number)) for variant, failed, number in session.execute(query)}
