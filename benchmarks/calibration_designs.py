"""The simulated experiments of ``calibration``: each design draws a table whose truth is known, and a naive p-value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from experiments.plans.plan import Plan, PrimaryMetric
from experiments.vocabulary import Design, MetricKind

Rng = np.random.Generator
Floats = np.ndarray


@dataclass(frozen=True)
class Scenario:
    """One design. ``draw(rng, effect)`` gives a table and the naive p-value (None where there is no usual mistake).

    ``judged``: the table has a column ``human`` with what people said of some outputs, and the corrected interval is
    what counts.
    """

    name: str
    kind: MetricKind
    draw: Callable[[Rng, float], tuple[pd.DataFrame, float | None]]
    effect: float
    truth: Callable[[float], float]
    runs: int = 4000
    aggregate: str = "mean"
    control: str = "A"
    relative: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    looks: tuple[int, ...] = ()
    stopping: str = "fixed"
    judged: bool = False

    def plan(self) -> Plan:
        """The plan of one run; a watched run plans for its last look."""
        primary = PrimaryMetric(metric="m", smallest_effect=0.05, aggregate=self.aggregate)  # type: ignore[arg-type]
        size = max(self.looks) if self.looks and self.stopping != "fixed" else None
        return Plan(primary=primary, stopping=self.stopping, planned_units=size)  # type: ignore[arg-type]


# --- tables ----------------------------------------------------------------------------------------------------------


def paired(held: dict[str, Floats], **columns: Any) -> pd.DataFrame:
    parts = []
    for variant, values in held.items():
        units = np.char.add("u", np.arange(len(values)).astype(str))
        parts.append(pd.DataFrame({"variant": variant, "unit_id": units, "metric": "m", "value": values, **columns}))
    return pd.concat(parts, ignore_index=True)


def logistic(x: Floats) -> Floats:
    return 1 / (1 + np.exp(-x))


def two_proportions(a: Floats, b: Floats) -> float:
    pooled = (a.sum() + b.sum()) / (len(a) + len(b))
    error = np.sqrt(pooled * (1 - pooled) * (1 / len(a) + 1 / len(b)))
    return float(2 * stats.norm.sf(abs(b.mean() - a.mean()) / error)) if error > 0 else 1.0


def yes_no_rows(rng: Rng, effect: float, n: int = 100) -> tuple[pd.DataFrame, float]:
    """Correlated yes and no: a share of rows is fixed, another broken."""
    draws = rng.random(n)
    kinds = np.select([draws < 0.12 + effect, draws < 0.24 + effect, draws < 0.7], [1, 2, 3], 0)
    a, b = np.isin(kinds, [2, 3]).astype(float), np.isin(kinds, [1, 3]).astype(float)
    return paired({"A": a, "B": b}), two_proportions(a, b)


def repeats(rng: Rng, effect: float, n: int = 80, k: int = 5) -> tuple[pd.DataFrame, float]:
    """Yes and no, k repetitions a row; row difficulty and a true difference per row that varies."""
    level = rng.normal(0, 1.5, n)
    chance = {"A": logistic(level), "B": logistic(level + rng.normal(0, 1.0, n))}
    shifted = np.clip(chance["B"] + effect, 0, 1)
    held = {"A": rng.random((k, n)) < chance["A"], "B": rng.random((k, n)) < shifted}
    tables = [paired({v: h[i].astype(float) for v, h in held.items()}, repetition=i) for i in range(k)]
    pooled = stats.ttest_rel(held["A"].ravel().astype(float), held["B"].ravel().astype(float)).pvalue
    return pd.concat(tables, ignore_index=True), float(pooled)


def conversations(rng: Rng, effect: float, groups: int = 25) -> tuple[pd.DataFrame, float]:
    """Rows inside conversations of very different lengths, with a true difference per conversation."""
    sizes = 1 + rng.poisson(7, groups)
    cluster = np.repeat(np.arange(groups), sizes)
    a = rng.normal(size=len(cluster))
    b = a + effect + rng.normal(0, 0.6, groups)[cluster] + rng.normal(0, 0.8, len(cluster))
    ids = np.char.add("c", cluster.astype(str))
    return paired({"A": a, "B": b}, cluster_id=ids), float(stats.ttest_rel(a, b).pvalue)


def votes(rng: Rng, effect: float, items: int = 60, raters: int = 5) -> tuple[pd.DataFrame, float]:
    """Several raters per item prefer one of two outputs; items differ, and raters of one item agree."""
    lean = rng.normal(0, 1.2, items)
    shift = stats.norm.ppf(0.5 + effect) * np.sqrt(1 + 1.2**2)
    won = rng.normal(size=(raters, items)) < lean + shift
    table = pd.DataFrame(
        {
            "variant": "B",
            "opponent": "A",
            "unit_id": np.tile(np.char.add("i", np.arange(items).astype(str)), raters),
            "metric": "m",
            "value": won.ravel().astype(float),
            "rater_id": np.repeat([f"r{i}" for i in range(raters)], items),
        }
    )
    return table, float(stats.binomtest(int(won.sum()), won.size).pvalue)


def grades(rng: Rng, effect: float, n: int = 40) -> tuple[pd.DataFrame, None]:
    """Grades from 1 to 5 on the same rows; under the effect some grades of B go up by one."""
    level = rng.normal(3, 1, n)
    a, b = (np.clip(np.round(level + rng.normal(0, 0.7, n)), 1, 5) for _ in "AB")
    lifted = np.where((rng.random(n) < effect) & (b < 5), b + 1, b)
    return paired({"A": a, "B": lifted}), None


def skewed_costs(
    rng: Rng, effect: float, n: int = 100, *, rows: float = 0.7, noise: float = 0.3
) -> tuple[pd.DataFrame, None]:
    """Costs of the same rows with a heavy tail; the treatment costs a share more on average."""
    a = 100 * rng.lognormal(-(rows**2) / 2, rows, n)
    b = a * (1 + effect) * rng.lognormal(-(noise**2) / 2, noise, n)
    return paired({"A": a, "B": b}), None


def latencies(rng: Rng, effect: float, n: int = 400) -> tuple[pd.DataFrame, None]:
    """Latencies of the same rows; the slower rows are slower for both."""
    row = rng.normal(0, 0.4, n)
    a, b = (np.exp(row + rng.normal(0, 0.4, n)) for _ in "AB")
    return paired({"A": 100 * a, "B": 100 * b * (1 + effect)}), None


LATENCY_P95 = 100 * float(np.exp(stats.norm.ppf(0.95) * np.hypot(0.4, 0.4)))


def live(rng: Rng, effect: float, users: int = 400) -> tuple[pd.DataFrame, float]:
    """Users with their own success rate and their own number of requests."""
    arm = rng.permutation(users) % 2
    count = 1 + rng.negative_binomial(1, 0.12, users)
    chance = np.clip(rng.beta(1.2, 1.2, users) * (1 - 2 * 0.1) + 0.1 + effect * arm, 0, 1)
    user = np.repeat(np.arange(users), count)
    value = (rng.random(len(user)) < chance[user]).astype(float)
    table = pd.DataFrame(
        {
            "variant": np.array(["A", "B"])[arm[user]],
            "unit_id": np.char.add("u", user.astype(str)),
            "metric": "m",
            "value": value,
        }
    )
    return table, two_proportions(value[arm[user] == 0], value[arm[user] == 1])


def live_costs(rng: Rng, effect: float, users: int = 600) -> tuple[pd.DataFrame, None]:
    """One heavy-tailed cost per user."""
    arm = rng.permutation(users) % 2
    value = rng.lognormal(0, 1.3, users) * (1 + effect * arm)
    return users_table(arm, value), None


def live_latencies(rng: Rng, effect: float, users: int = 250) -> tuple[pd.DataFrame, float]:
    """Many requests per user, each user with a speed of their own; naive: bootstrap over requests."""
    arm = rng.permutation(users) % 2
    count = 1 + rng.poisson(9, users)
    user = np.repeat(np.arange(users), count)
    value = 100 * np.exp(rng.normal(0, 0.4, users)[user] + rng.normal(0, 0.4, len(user))) * (1 + effect * arm[user])
    groups = [value[arm[user] == k] for k in (0, 1)]
    drawn = [np.quantile(rng.choice(g, (200, len(g))), 0.95, axis=1) for g in groups]
    gap = drawn[1] - drawn[0]
    return users_table(arm[user], value, user), float(2 * min((gap > 0).mean(), (gap < 0).mean()))


def users_table(arm: Floats, value: Floats, user: Floats | None = None) -> pd.DataFrame:
    ids = np.arange(len(value)) if user is None else user
    return pd.DataFrame(
        {
            "variant": np.array(["A", "B"])[arm],
            "unit_id": np.char.add("u", ids.astype(str)),
            "metric": "m",
            "value": value,
        }
    )


def four_challengers(rng: Rng, effect: float, n: int = 120) -> tuple[pd.DataFrame, float]:
    """Four challengers on the same rows; the effect is B's alone."""
    base = rng.normal(size=n)
    held = {v: base + rng.normal(size=n) + (effect if v == "B" else 0.0) for v in "ABCDE"}
    return paired(held), float(min(stats.ttest_rel(held["A"], held[v]).pvalue for v in "BCDE"))


def four_live_challengers(rng: Rng, effect: float, users: int = 1000) -> tuple[pd.DataFrame, float]:
    """Four challengers on different users."""
    arm = rng.permutation(users) % 5
    value = (rng.random(users) < 0.4 + effect * (arm == 1)).astype(float)
    table = users_table(np.zeros(users, dtype=int), value)
    table["variant"] = np.array(list("ABCDE"))[arm]
    return table, min(two_proportions(value[arm == 0], value[arm == k]) for k in range(1, 5))


def growing(rng: Rng, effect: float, n: int = 400) -> tuple[pd.DataFrame, None]:
    """Graded scores on the same rows, to be looked at as they come."""
    a = rng.normal(size=n)
    return paired({"A": a, "B": a + effect + rng.normal(0, 1, n)}), None


def growing_yes_no(rng: Rng, effect: float, n: int = 400) -> tuple[pd.DataFrame, None]:
    """Yes and no on the same rows, to be looked at as they come."""
    return yes_no_rows(rng, effect, n)[0], None


def growing_live(rng: Rng, effect: float, users: int = 2000) -> tuple[pd.DataFrame, None]:
    """One yes or no per user, to be looked at as they come."""
    arm = rng.permutation(users) % 2
    return users_table(arm, (rng.random(users) < 0.4 + effect * arm).astype(float)), None


def judged_rows(rng: Rng, effect: float, n: int = 400, labelled: int = 80) -> tuple[pd.DataFrame, float]:
    """A judge that likes B's style: it passes some of B's bad answers. People saw both answers of some rows."""
    table, held = _judged(rng, effect, n, specificity={"A": 0.85, "B": 0.70})
    chosen = rng.permutation(n) < labelled
    table["human"] = np.where(np.tile(chosen, 2), table["human"], np.nan)
    return table, float(stats.ttest_rel(held["A"], held["B"]).pvalue)


def judged_apart(rng: Rng, effect: float, n: int = 400, labelled: int = 150) -> tuple[pd.DataFrame, None]:
    """A judge that is as often wrong on both; people saw other rows of either variant."""
    table, _ = _judged(rng, effect, n, specificity={"A": 0.80, "B": 0.80})
    order = rng.permutation(n)
    seen = {"A": order < labelled, "B": order >= n - labelled}
    table["human"] = np.where(np.concatenate([seen["A"], seen["B"]]), table["human"], np.nan)
    return table, None


def _judged(
    rng: Rng, effect: float, n: int, *, specificity: dict[str, float]
) -> tuple[pd.DataFrame, dict[str, Floats]]:
    """What people would say of all outputs, and what the judge says: right on 90 % of the good ones."""
    row = rng.normal(0, 1, n)
    human, judge = {}, {}
    for variant, rate in (("A", 0.6), ("B", 0.6 + effect)):
        good = row + rng.normal(0, 1, n) < stats.norm.ppf(rate) * np.sqrt(2)
        human[variant] = good.astype(float)
        right = rng.random(n) < np.where(good, 0.9, specificity[variant])
        judge[variant] = np.where(right, human[variant], 1 - human[variant])
    table = paired(judge)
    return table.assign(human=np.concatenate([human["A"], human["B"]])), judge


def same(effect: float) -> float:
    return effect


def grade_truth(effect: float) -> float:
    rng = np.random.default_rng(99)
    level = rng.normal(3, 1, 2_000_000)
    return effect * float((np.clip(np.round(level + rng.normal(0, 0.7, len(level))), 1, 5) < 5).mean())


def repeat_truth(effect: float) -> float:
    rng = np.random.default_rng(98)
    level = rng.normal(0, 1.5, 1_000_000)
    moved = logistic(level + rng.normal(0, 1.0, len(level)))
    return float((np.clip(moved + effect, 0, 1) - logistic(level)).mean())


LIVE: dict[str, Any] = {"design": Design.INDEPENDENT}

SCENARIOS = (
    Scenario("Yes/no, 100 rows (McNemar, Newcombe)", MetricKind.BINARY, yes_no_rows, 0.15, same),
    Scenario("Yes/no, 400 rows", MetricKind.BINARY, lambda r, e: yes_no_rows(r, e, 400), 0.07, same),
    Scenario("80 rows × 5 repeats; naive: answers pooled", MetricKind.BINARY, repeats, 0.07, repeat_truth),
    Scenario("25 conversations of unequal length; naive: rows", MetricKind.SCORE, conversations, 0.45, same),
    Scenario("9 conversations (t and sign flips)", MetricKind.SCORE, lambda r, e: conversations(r, e, 9), 0.8, same),
    Scenario("Grades 1–5, 40 rows (sign flips)", MetricKind.ORDINAL, grades, 0.45, grade_truth),
    Scenario("60 items × 5 raters; naive: votes", MetricKind.PREFERENCE, votes, 0.12, same),
    Scenario("Cost of 100 rows, heavy tail", MetricKind.COST, skewed_costs, 0.12, lambda e: 100 * e),
    Scenario(
        "Cost of 100 rows, one row in 100 is ten times the median",
        MetricKind.COST,
        lambda r, e: skewed_costs(r, e, rows=1.0, noise=0.5),
        0.25,
        lambda e: 100 * e,
    ),
    Scenario(
        "p95 latency, 400 rows", MetricKind.LATENCY, latencies, 0.2, lambda e: LATENCY_P95 * e, 800, aggregate="p95"
    ),
    Scenario(
        "Live: 400 users, many requests; naive: requests", MetricKind.BINARY, live, 0.1, lambda e: e, options=LIVE
    ),
    Scenario(
        "Live: cost of 600 users, heavy tail",
        MetricKind.COST,
        live_costs,
        0.5,
        lambda e: e * float(np.exp(1.3**2 / 2)),
        options=LIVE,
    ),
    Scenario(
        "Live: p95 of 250 users, many requests; naive: requests",
        MetricKind.LATENCY,
        live_latencies,
        0.25,
        lambda e: LATENCY_P95 * e,
        600,
        aggregate="p95",
        options=LIVE,
    ),
    Scenario(
        "Judge that likes B's style, 80 of 400 rows rated (PPI++); naive: the judge alone",
        MetricKind.BINARY,
        judged_rows,
        0.12,
        same,
        1000,
        judged=True,
    ),
    Scenario(
        "Judge as often wrong on both, 150 + 150 outputs rated (Rogan–Gladen)",
        MetricKind.BINARY,
        judged_apart,
        0.15,
        same,
        1000,
        judged=True,
    ),
    Scenario("Four challengers, 120 rows (max-T)", MetricKind.SCORE, four_challengers, 0.4, same),
    Scenario(
        "Four challengers live, 1,000 users (Dunnett)",
        MetricKind.BINARY,
        four_live_challengers,
        0.17,
        same,
        options=LIVE,
    ),
    Scenario(
        "20 looks at 400 rows; naive: t at each",
        MetricKind.SCORE,
        growing,
        0.25,
        same,
        600,
        looks=tuple(range(20, 401, 20)),
        stopping="sequential",
    ),
    Scenario(
        "40 looks at 400 rows; naive: t at each",
        MetricKind.SCORE,
        growing,
        0.25,
        same,
        600,
        looks=tuple(range(10, 401, 10)),
        stopping="sequential",
    ),
    Scenario(
        "20 looks, yes/no, 400 rows; naive: z at each",
        MetricKind.BINARY,
        growing_yes_no,
        0.12,
        same,
        600,
        looks=tuple(range(20, 401, 20)),
        stopping="sequential",
    ),
    Scenario(
        "20 looks live, 2,000 users; naive: z at each",
        MetricKind.BINARY,
        growing_live,
        0.11,
        same,
        600,
        options={**LIVE, "live": True},
        looks=tuple(range(100, 2001, 100)),
        stopping="sequential",
    ),
    Scenario(
        "Hybrid plan, 5 looks, fixed at the end",
        MetricKind.SCORE,
        growing,
        0.2,
        same,
        1000,
        looks=(80, 160, 240, 320, 400),
        stopping="hybrid",
    ),
    Scenario(
        "Fixed plan that grew after 10 looks",
        MetricKind.SCORE,
        growing,
        0.25,
        same,
        600,
        looks=tuple(range(40, 401, 40)),
    ),
)
