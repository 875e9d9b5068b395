"""From one row per user to sums per variant, in one query: contributions cut at the cap, values centred first.

The query names the users once as a common table expression, which both databases work out once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, and_, case, func, literal, select

Sql = Any
"""A column or an expression: the types of SQLModel and SQLAlchemy for them are unrelated."""
GRID = 10_000
"""Quantiles are counted in whole parts of this, so that both databases and NumPy take the same user."""


@dataclass(frozen=True, slots=True)
class Caps:
    """How contributions are cut: the quantile of all variants' users, and which totals are cut as well.

    ``amounts`` are totals without an upper end, cut where none is negative; with ``beyond`` only where one of them is
    larger than that, so that grades stay as they are.
    """

    quantile: float = 0.999
    amounts: bool = False
    beyond: float | None = None


def sums_per_variant(users: CTE, caps: Caps, *, earlier: bool, several: int = 0) -> Select[Any]:
    """Rows of variant, units, y, yy, n, nn, yn (of y − centre n), and what the sums need besides.

    ``users`` has variant, y, n, and x with ``earlier``, or x0, x1 … where there are ``several``. ``lowest`` and
    ``highest`` are the ends of y / n; ``top_y``, ``top_n`` and ``top_share`` belong to the user who contributes most.
    """
    xs = ["x"] if earlier else [f"x{place}" for place in range(several)]
    cut = _cut(users, caps, xs)
    tops = select(cut.c.variant, func.max(cut.c.by).label("top")).group_by(cut.c.variant).cte("tops")
    centre = func.coalesce(select(func.sum(cut.c.y) / func.nullif(func.sum(cut.c.n), 0)).scalar_subquery(), 0.0)
    y, n = cut.c.y - centre * cut.c.n, cut.c.n
    rate = cut.c.y / func.nullif(n, 0)
    first = cut.c.by == tops.c.top
    return (
        select(
            cut.c.variant,
            func.count().label("units"),
            func.sum(y).label("y"),
            func.sum(y * y).label("yy"),
            func.sum(n).label("n"),
            func.sum(n * n).label("nn"),
            func.sum(y * n).label("yn"),
            func.min(case((and_(n == 1, cut.c.y.in_((0, 1))), 1), else_=0)).label("ones"),
            func.min(centre).label("centre"),
            func.min(rate).label("lowest"),
            func.max(rate).label("highest"),
            func.sum(cut.c.was_cut).label("capped"),
            func.max(case((first, cut.c.y))).label("top_y"),
            func.max(case((first, cut.c.n))).label("top_n"),
            func.coalesce(func.max(tops.c.top) / func.nullif(func.sum(cut.c.by), 0), 0.0).label("top_share"),
            *(_earlier(cut, y) if earlier else several_earlier(cut, xs, y) if several else ()),
        )
        .select_from(cut.join(tops, tops.c.variant == cut.c.variant))
        .group_by(cut.c.variant)
    )


def _cut(users: CTE, caps: Caps, xs: Sequence[str]) -> CTE:
    """Every user's y and n after the cap, ``by`` before it (requests, or totals where each user has one)."""
    most = _quantile(users, users.c.n, caps)
    over = users.c.n > most
    weighed = select(func.max(case((users.c.n != 1, 1), else_=0))).scalar_subquery()
    scaled = select(
        users.c.variant,
        case((over, users.c.y * most / func.nullif(users.c.n, 0)), else_=users.c.y).label("y"),
        case((over, most), else_=users.c.n).label("n"),
        case((weighed == 1, users.c.n), else_=func.abs(users.c.y)).label("by"),
        case((over, 1), else_=0).label("was_cut"),
        *(users.c[x] for x in xs),
    ).cte("scaled")
    if not caps.amounts:
        return scaled
    conditions = [select(func.min(scaled.c.y)).scalar_subquery() >= 0]
    if caps.beyond is not None:
        conditions.append(select(func.max(scaled.c.y)).scalar_subquery() > caps.beyond)
    highest = _quantile(scaled, scaled.c.y, caps)
    high = and_(*conditions, scaled.c.y > highest)
    return select(
        scaled.c.variant,
        case((high, highest), else_=scaled.c.y).label("y"),
        scaled.c.n,
        scaled.c.by,
        case((high, 1), else_=scaled.c.was_cut).label("was_cut"),
        *(scaled.c[x] for x in xs),
    ).cte("cut")


def _quantile(rows: CTE, column: Sql, caps: Caps) -> ColumnElement[Any]:
    """The value below which the quantile of all rows lies, one that was seen."""
    last = func.count() - 1
    above = select(last - (last * round(caps.quantile * GRID)) // GRID).select_from(rows).scalar_subquery()
    return select(column).order_by(column.desc()).limit(1).offset(above).scalar_subquery()


def _earlier(cut: CTE, y: Sql) -> Sequence[ColumnElement[Any]]:
    centre = func.coalesce(select(func.avg(cut.c.x)).scalar_subquery(), 0.0)
    x = cut.c.x - centre
    sums = {"x": x, "xx": x * x, "xy": x * y, "y_known": case((cut.c.x.is_not(None), y), else_=literal(0.0))}
    return [
        func.count(cut.c.x).label("known"),
        func.min(centre).label("x_centre"),
        *(func.coalesce(func.sum(value), 0.0).label(name) for name, value in sums.items()),
    ]


def several_earlier(cut: CTE, xs: Sequence[str], y: Sql) -> Sequence[ColumnElement[Any]]:
    """Sums of several values from before: of each x (centred, 0 where a user has none), of x n and x y, of all pairs.

    Columns: ``x0``, ``x0_n``, ``x0_y``, ``x0_x0``, ``x0_x1`` …, and ``with_x0``, how many users have one.
    """
    centred = {name: func.coalesce(cut.c[name] - select(func.avg(cut.c[name])).scalar_subquery(), 0.0) for name in xs}
    sums: dict[str, Sql] = {}
    for place, name in enumerate(xs):
        x = centred[name]
        sums |= {name: x, f"{name}_n": x * cut.c.n, f"{name}_y": x * y}
        sums |= {f"{name}_{other}": x * centred[other] for other in xs[place:]}
    return [
        *(func.count(cut.c[name]).label(f"with_{name}") for name in xs),
        *(func.coalesce(func.sum(value), 0.0).label(name) for name, value in sums.items()),
    ]
