"""The price of certainty on live traffic: users per variant for the smallest effect worth having, and their days."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments.errors import BakeoffError
from experiments.experiment_file import ExperimentSpec, LiveSpec
from experiments.loading.find import find_experiment
from experiments.loading.runs.blueprint import load_blueprint
from experiments.vocabulary import Design, MetricKind
from experiments.wording import count, percent
from storage.store import Store

if TYPE_CHECKING:
    from experiments.plans.sizing import SizePlan

SIZES = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000)


@dataclass(frozen=True)
class LivePlanning:
    """What a live test needs. ``users`` take part in all, of all variants.

    ``rate`` is the control's share of yes that was assumed, None where a user's value is a number.
    """

    experiment: str
    variants: int
    enrol_percent: float
    users: int | None
    users_per_day: float | None
    rate: float | None
    least_days: float
    size: SizePlan

    @property
    def days(self) -> float | None:
        """How long it takes: None while nobody knows how many come a day, never less than the test's least time."""
        return self.days_with(self.enrol_percent)

    def days_with(self, percent: float) -> float | None:
        """Days when so many per cent of the users took part."""
        if self.users is None or not self.users_per_day or not percent:
            return None
        return max(self.users / (self.users_per_day * percent / 100), self.least_days)

    def sentences(self) -> list[str]:
        """What it takes, in words: users, then days where they are known."""
        size = self.size
        if self.users is None or size.units_needed is None:
            return [f"No number of users shows an effect of {size.effect:g}."]
        watched = ", looked at whenever you like" if size.watched else ", looked at once, at the end"
        told = [
            f"{size.units_needed:,} {size.counted} show an effect of {size.effect:g}{self._over()}{watched}: "
            f"{count(self.users, 'user')} in all."
        ]
        days, soonest = self.days, self.days_with(100)
        if days is None or soonest is None:
            return told
        coming = count(round(self.users_per_day or 0), "new user")
        told.append(
            f"With {coming} a day, of whom {self.enrol_percent:g} % take part, that is about "
            f"{count(math.ceil(days), 'day')}."
        )
        if math.ceil(soonest) < math.ceil(days):
            told.append(f"With all of them it would be about {count(math.ceil(soonest), 'day')}.")
        return told

    def _over(self) -> str:
        return "" if self.rate is None else f" where {percent(self.rate)} say yes today"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values (``bakeoff plan --json``)."""
        return {
            "experiment": self.experiment,
            "variants": self.variants,
            "live": {
                "enrol_percent": self.enrol_percent,
                "users": self.users,
                "users_per_day": self.users_per_day,
                "rate": self.rate,
                "days": self.days,
                "least_days": self.least_days,
            },
            "size": self.size.to_json(),
        }


def live_planning_of(
    store: Store,
    experiment_name: str,
    *,
    rate: float | None = None,
    sd: float | None = None,
    users_per_day: float | None = None,
) -> LivePlanning:
    """The planning of a stored live test; see ``live_planning``. Raises NotFound and what that raises."""
    with store.read() as tx:
        blueprint = load_blueprint(tx, find_experiment(tx, experiment_name))
    kind = blueprint.metrics()[blueprint.spec.plan.primary.metric].kind
    return live_planning(blueprint.spec, kind, rate=rate, sd=sd, users_per_day=users_per_day)


def live_planning(
    spec: ExperimentSpec,
    kind: MetricKind,
    *,
    rate: float | None = None,
    sd: float | None = None,
    users_per_day: float | None = None,
) -> LivePlanning:
    """Users and days that a live test needs.

    ``rate`` is the control's share of yes today (0.7 when nobody says), ``sd`` the standard deviation of a user's
    value, ``users_per_day`` how many new users come a day, of all, before the share that takes part.

    Raises:
        BakeoffError: ``not_live`` without a live section; ``spread_unknown`` for a value whose ``sd`` nobody gave.
    """
    from experiments.plans.sizing import Assumptions, plan_size

    live = spec.live
    if live is None:
        raise BakeoffError("not_live", f"'{spec.name}' has no live section.", "It is planned by its test set.")
    if sd is None and kind is not MetricKind.BINARY:
        metric = spec.plan.primary.metric
        raise BakeoffError(
            "spread_unknown",
            f"How many users are needed depends on how far apart they are in '{metric}'.",
            "Give the standard deviation of a user's value: --sd NUMBER.",
        )
    usual, binary = Assumptions(), kind is MetricKind.BINARY
    given = Assumptions(rate=usual.rate if rate is None else rate, sd=usual.sd if sd is None else sd)
    pair, ratio = _smallest_pair(live, control=spec.variants[0].name)
    size = plan_size(
        spec.plan,
        kind=kind,
        design=Design.INDEPENDENT,
        assumptions=given,
        challengers=len(spec.variants) - 1,
        live=True,
        split_ratio=ratio,
        sizes=SIZES,
    )
    return LivePlanning(
        experiment=spec.name,
        variants=len(spec.variants),
        enrol_percent=live.enrol,
        users=None if size.units_needed is None or not pair else math.ceil(2 * size.units_needed / pair),
        users_per_day=users_per_day,
        rate=given.rate if binary else None,
        least_days=live.minimum_days,
        size=size,
    )


def _smallest_pair(live: LiveSpec, *, control: str) -> tuple[float, float]:
    """Share of the enrolled (0 to 1) that control and rarest challenger have together, and the ratio of the two."""
    total = sum(live.split.values())
    own = live.split.get(control, 0.0)
    rarest = min((share for name, share in live.split.items() if name != control and share), default=0.0)
    if not own or not rarest:
        return 0.0, 1.0
    return (own + rarest) / total, own / rarest
