"""The planted faults of ``verdicts``: each draws a table of truly equal variants, of a true loss, or of a clear win.

A fault is what real data does to an honest analysis: one user with most of the requests, teams instead of users, a
covariate that knows the outcome, a file exported twice. The words that have to be found in the answer are those of its
cause. Every table is written to a file and read through the door of ``bakeoff analyse``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

Rng = np.random.Generator
Floats = np.ndarray
EFFECT = 0.05
"""The smallest effect of every plan here, in the metric's unit."""


@dataclass(frozen=True)
class Trial:
    """One experiment: its analysis table and the entries of its ``PLAN.yaml`` that are not the usual ones.

    ``people`` holds people's values of some answers where the metric is a judge's.
    """

    table: pd.DataFrame
    kind: str = "binary"
    design: str = "paired"
    primary: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    people: pd.DataFrame | None = None


@dataclass(frozen=True)
class Fault:
    """A cell of the bench.

    Attributes:
        name: What is planted.
        design: Under which design.
        draw: ``draw(rng, effect)``: the table with the fault, B truly better by ``effect`` (0: equal).
        cause: A pattern of the words that name the cause; empty where nothing is wrong with the data.
        clear_win: An effect that has to ship without the fault, drawn by ``clean``.
        clean: The same design without the fault.
        has_loss: Whether a true loss can be drawn, for the rate of false "no difference".
    """

    name: str
    design: str
    draw: Callable[[Rng, float], Trial]
    cause: str = ""
    clean: Callable[[Rng, float], Trial] | None = None
    clear_win: float = 0.2
    has_loss: bool = True


def table_of(variant: Floats, unit: Floats, value: Floats, **columns: Any) -> pd.DataFrame:
    """Rows of the metric ``m``."""
    return pd.DataFrame({"variant": variant, "unit_id": unit, "metric": "m", "value": value, **columns})


def names(prefix: str, numbers: Floats) -> Floats:
    return np.char.add(prefix, np.asarray(numbers).astype(str))


# --- designs without a fault ------------------------------------------------------------------------------------------


def rows_yes_no(rng: Rng, effect: float, n: int = 300) -> Trial:
    """Yes and no on the same rows; a share of the rows is fixed, another broken."""
    draws = rng.random(n)
    kinds = np.select([draws < 0.1 + max(effect, 0), draws < 0.2 + abs(effect), draws < 0.7], [1, 2, 3], 0)
    a, b = np.isin(kinds, [2, 3]).astype(float), np.isin(kinds, [1, 3]).astype(float)
    if effect < 0:
        kinds = np.select([draws < 0.1, draws < 0.2 - effect, draws < 0.7], [1, 2, 3], 0)
        a, b = np.isin(kinds, [2, 3]).astype(float), np.isin(kinds, [1, 3]).astype(float)
    return Trial(both(a, b))


def both(a: Floats, b: Floats, **columns: Any) -> pd.DataFrame:
    """The same rows under A and B."""
    units = names("row", np.arange(len(a)))
    doubled = {name: np.concatenate([column, column]) for name, column in columns.items()}
    variant = np.repeat(["A", "B"], len(a))
    return table_of(variant, np.concatenate([units, units]), np.concatenate([a, b]), **doubled)


def rows_graded(rng: Rng, effect: float, n: int = 300) -> Trial:
    """Scores between 0 and 1 on the same rows."""
    level = rng.uniform(0.3, 0.6, n)
    a, b = level + rng.uniform(-0.15, 0.15, n), level + effect + rng.uniform(-0.15, 0.15, n)
    return Trial(both(a, b), kind="score")


def users_yes_no(rng: Rng, effect: float, users: int = 600) -> Trial:
    """Different users, one to five requests each, each user with a rate of their own."""
    arm = rng.permutation(users) % 2
    count = rng.integers(1, 6, users)
    chance = rng.beta(3, 3, users) * (1 - 2 * 0.21) + 0.21 + effect * arm
    return requests(rng, arm, count, chance)


def requests(rng: Rng, arm: Floats, count: Floats, chance: Floats, **columns: Any) -> Trial:
    """One row per request of users who meet one variant each."""
    user = np.repeat(np.arange(len(arm)), count)
    value = (rng.random(len(user)) < chance[user]).astype(float)
    per_row = {name: np.asarray(column)[user] for name, column in columns.items()}
    table = table_of(np.array(["A", "B"])[arm[user]], names("u", user), value, **per_row)
    return Trial(table, design="independent")


def users_scored(rng: Rng, effect: float, users: int = 400) -> tuple[Floats, Floats, Floats]:
    """Arm, what a user brings along, and the score of one request each."""
    arm = rng.permutation(users) % 2
    brought = rng.normal(0, 0.2, users)
    return arm, brought, 0.5 + brought + rng.normal(0, 0.2, users) + effect * arm


def users_graded(rng: Rng, effect: float) -> Trial:
    arm, _, value = users_scored(rng, effect)
    return Trial(scored(arm, value), kind="score", design="independent")


def scored(arm: Floats, value: Floats, **columns: Any) -> pd.DataFrame:
    return table_of(np.array(["A", "B"])[arm], names("u", np.arange(len(arm))), value, **columns)


def votes(rng: Rng, effect: float, items: int = 80, raters: int = 5) -> Trial:
    """Five raters prefer A or B on each item; items and raters differ, and under no effect the raters balance."""
    taste = rng.normal(0, 0.3, raters)
    lean = rng.normal(0, 0.7, items)[:, None] + (taste - taste.mean())[None, :]
    value = (rng.normal(size=(items, raters)) < lean + 3.2 * effect).astype(float)
    return preferred(value)


def preferred(value: Floats) -> Trial:
    item, rater = np.divmod(np.arange(value.size), value.shape[1])
    table = table_of(np.full(value.size, "B"), names("i", item), value.ravel(), rater_id=names("r", rater))
    return Trial(table.assign(opponent="A"), kind="preference")


def grades(rng: Rng, effect: float, items: int = 120, raters: int = 6) -> Trial:
    """Six raters grade both answers of each item between 0 and 1."""
    return Trial(graded(rng, effect, items, raters, np.zeros((2, raters))), kind="score")


def graded(
    rng: Rng, effect: float, items: int, raters: int, leniency: Floats, seen: Floats | None = None
) -> pd.DataFrame:
    """Grades by variant × item × rater; ``seen`` says which rater graded which variant."""
    level = rng.uniform(0.35, 0.55, items)
    parts = []
    for number, variant in enumerate("AB"):
        for rater in range(raters):
            if seen is not None and not seen[number, rater]:
                continue
            value = level + number * effect + leniency[number, rater] + rng.normal(0, 0.08, items)
            ids = names("i", np.arange(items))
            parts.append(table_of(np.full(items, variant), ids, value, rater_id=f"r{rater}"))
    return pd.concat(parts, ignore_index=True)


# --- faults -----------------------------------------------------------------------------------------------------------


def heavy_user(rng: Rng, effect: float) -> Trial:
    """300 users an arm; one of them makes 3,000 requests, nearly all with the same result."""
    arm = rng.permutation(600) % 2
    count = rng.integers(1, 6, 600)
    chance = rng.beta(3, 3, 600) * (1 - 2 * 0.21) + 0.21 + effect * arm
    count[0], chance[0] = 3000, rng.choice([0.03, 0.97])
    return requests(rng, arm, count, chance)


def heavy_cost(rng: Rng, effect: float) -> Trial:
    """The same as money: one user's requests are most of the bill of an arm."""
    trial = heavy_user(rng, 0.0)
    cost = rng.lognormal(0, 0.3, len(trial.table)) * np.where(trial.table["variant"] == "B", 1 - effect, 1)
    heavy = (trial.table["unit_id"] == "u0").to_numpy()
    level = rng.choice([0.2, 5.0])
    return Trial(trial.table.assign(value=np.where(heavy, cost * level, cost)), kind="cost", design="independent")


def plain_cost(rng: Rng, effect: float) -> Trial:
    trial = users_yes_no(rng, 0.0)
    cost = rng.lognormal(0, 0.3, len(trial.table)) * np.where(trial.table["variant"] == "B", 1 - effect, 1)
    return Trial(trial.table.assign(value=cost), kind="cost", design="independent")


def teams(rng: Rng, effect: float, per_arm: int = 10) -> Trial:
    """Ten teams an arm, thirty users each; members of a team are alike."""
    arm = rng.permutation(2 * per_arm) % 2
    team = np.repeat(np.arange(2 * per_arm), 30)
    chance = (rng.beta(3, 3, 2 * per_arm) * (1 - 2 * 0.21) + 0.21 + effect * arm)[team]
    value = (rng.random(len(team)) < chance).astype(float)
    return Trial(scored(arm[team], value, cluster_id=names("team", team)), design="independent")


def many_teams(rng: Rng, effect: float) -> Trial:
    return teams(rng, effect, per_arm=60)


def conversations(rng: Rng, effect: float, groups: int = 25) -> Trial:
    """Rows inside conversations of different lengths; the true difference varies between conversations."""
    group = np.repeat(np.arange(groups), 1 + rng.poisson(7, groups))
    level = rng.uniform(0.35, 0.55, len(group))
    b = level + effect + rng.normal(0, 0.08, groups)[group] + rng.normal(0, 0.05, len(group))
    return Trial(both(level, b, cluster_id=names("c", group)), kind="score")


def leaked_covariate(rng: Rng, effect: float) -> Trial:
    """The "value from before" is the outcome itself, but for rounding."""
    arm, _, value = users_scored(rng, effect)
    return Trial(scored(arm, value, covariate=np.round(value, 2)), kind="score", design="independent")


def moved_covariate(rng: Rng, effect: float) -> Trial:
    """The "value from before" was measured after the variant had acted on it."""
    arm, brought, value = users_scored(rng, effect)
    after = brought + 0.15 * arm + rng.normal(0, 0.05, len(arm))
    return Trial(scored(arm, value, covariate=after), kind="score", design="independent")


def honest_covariate(rng: Rng, effect: float) -> Trial:
    arm, brought, value = users_scored(rng, effect)
    before = brought + rng.normal(0, 0.1, len(arm))
    return Trial(scored(arm, value, covariate=before), kind="score", design="independent")


def confounded_rater(rng: Rng, effect: float) -> Trial:
    """Lenient people grade B, strict ones A, and one person both."""
    leniency = np.tile(np.array([-0.08, -0.05, -0.06, 0.06, 0.05, 0.08]), (2, 1))
    seen = np.array([[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]], dtype=bool)
    return Trial(graded(rng, effect, 120, 6, leniency, seen), kind="score")


def one_partial_rater(rng: Rng, effect: float) -> Trial:
    """One of three people prefers B's style by far; the others see no difference."""
    leniency = np.zeros((2, 3))
    leniency[1, 0] = 0.3
    return Trial(graded(rng, effect, 120, 3, leniency), kind="score")


def exported_twice(rng: Rng, effect: float) -> Trial:
    """Every row stands in the file twice."""
    trial = rows_yes_no(rng, effect)
    return Trial(pd.concat([trial.table, trial.table], ignore_index=True))


def users_exported_twice(rng: Rng, effect: float) -> Trial:
    trial = users_graded(rng, effect)
    return Trial(pd.concat([trial.table, trial.table], ignore_index=True), kind="score", design="independent")


def hard_rows_fail(rng: Rng, effect: float) -> Trial:
    """B gives no answer on a third of the rows that it would have got wrong."""
    table = rows_yes_no(rng, effect).table
    lost = (table["variant"] == "B") & (table["value"] == 0) & (rng.random(len(table)) < 0.33)
    table["status"] = np.where(lost, "error", "ok")
    table.loc[lost, "value"] = np.nan
    return Trial(table)


def per_cent_as_share(rng: Rng, effect: float) -> Trial:
    """The smallest effect of a rate is written as 5 instead of 0.05."""
    return Trial(rows_yes_no(rng, effect).table, primary={"smallest_effect": 5})


def per_cent_as_limit(rng: Rng, effect: float) -> Trial:
    """The limit on a second rate is written as 10 instead of 0.1."""
    table = rows_yes_no(rng, effect).table
    other = rows_yes_no(rng, 0.0).table.assign(metric="polite")
    more = {"guardrails": [{"metric": "polite", "margin": 10}]}
    return Trial(pd.concat([table, other], ignore_index=True), more={"plan": more, "metrics": {"polite": "binary"}})


def lopsided_votes(rng: Rng, effect: float) -> Trial:
    """Nearly all votes agree, on A as often as on B under no effect: chance-corrected agreement collapses."""
    side = rng.random(100) < 0.5 if effect == 0 else np.full(100, effect > 0)
    value = np.where(rng.random((100, 4)) < 0.95, side[:, None], ~side[:, None])
    return preferred(value.astype(float))


def nine_of_ten(rng: Rng, effect: float) -> Trial:
    """90 % of 400 votes for B."""
    return preferred((rng.random((100, 4)) < (0.9 if effect > 0 else 0.5)).astype(float))


def removed_rows(rng: Rng, effect: float) -> Trial:
    """After a look at 300 rows, fifty on which B lost are taken out."""
    table = rows_yes_no(rng, effect).table
    wide = table.pivot(index="unit_id", columns="variant", values="value")
    lost = wide.index[(wide["B"] - wide["A"]) < 0][:50]
    return Trial(table[~table["unit_id"].isin(lost)], more={"looks": [300]})


def epoch_numbers(rng: Rng, effect: float) -> Trial:
    """Milliseconds since 1970: differences are a billionth of the values."""
    start = 1.76e12 + rng.uniform(0, 1e7, 300)
    a, b = start + rng.normal(0, 1, 300), start + rng.normal(0, 1, 300) + effect
    return Trial(both(a, b), kind="score")


def equal_values(rng: Rng, effect: float) -> Trial:
    """Both variants give the same value on every row."""
    value = rng.uniform(0.3, 0.6, 300)
    return Trial(both(value, value + effect), kind="score")


def constant_grades(rng: Rng, effect: float) -> Trial:
    """Twenty rows, all graded 0.8 by both."""
    del rng
    return Trial(both(np.full(40, 0.8), np.full(40, 0.8 + effect)), kind="score")


def misspelled_metric(rng: Rng, effect: float) -> Trial:
    return Trial(rows_yes_no(rng, effect).table, primary={"metric": "M1"})


def other_ids(rng: Rng, effect: float) -> Trial:
    """The ids of B's rows carry a suffix."""
    table = rows_yes_no(rng, effect).table
    table.loc[table["variant"] == "B", "unit_id"] += "-b"
    return Trial(table)


def wrong_design(rng: Rng, effect: float) -> Trial:
    """Users of a split, read as if each had met both variants."""
    return Trial(users_graded(rng, effect).table, kind="score")


def judged(rng: Rng, effect: float, specificity: Mapping[str, float], labelled: int) -> Trial:
    """A judge of 400 rows, right on 90 % of the good answers; people saw both answers of some rows."""
    good, verdicts = {}, {}
    level = rng.normal(0, 1, 400)
    for variant, rate in (("A", 0.6), ("B", 0.6 + effect)):
        good[variant] = (level + rng.normal(0, 1, 400) < stats.norm.ppf(rate) * np.sqrt(2)).astype(float)
        right = rng.random(400) < np.where(good[variant] == 1, 0.9, specificity[variant])
        verdicts[variant] = np.where(right, good[variant], 1 - good[variant])
    table, people = both(verdicts["A"], verdicts["B"]), both(good["A"], good["B"])
    seen = np.tile(rng.permutation(400) < labelled, 2)
    return Trial(table, people=people[seen].drop(columns="metric"))


def honest_judge(rng: Rng, effect: float) -> Trial:
    return judged(rng, effect, {"A": 0.85, "B": 0.85}, labelled=120)


def partial_judge(rng: Rng, effect: float) -> Trial:
    """The judge passes some of B's bad answers because it likes their style."""
    return judged(rng, effect, {"A": 0.85, "B": 0.6}, labelled=120)


def unchecked_judge(rng: Rng, effect: float) -> Trial:
    """The same judge, and nobody rated anything."""
    return judged(rng, effect, {"A": 0.85, "B": 0.6}, labelled=0)


FAULTS = (
    Fault("no fault", "paired", rows_yes_no, clean=rows_yes_no),
    Fault("no fault", "paired, graded", rows_graded, clean=rows_graded, clear_win=0.1),
    Fault("no fault", "independent", users_yes_no, clean=users_yes_no),
    Fault("no fault", "independent, graded", users_graded, clean=users_graded),
    Fault("no fault", "ratings, votes", votes, clean=votes, clear_win=0.3),
    Fault("no fault", "ratings, grades", grades, clean=grades, clear_win=0.1),
    Fault("no fault", "judge, checked by people", honest_judge, clean=honest_judge),
    Fault("judge that likes B", "judge, checked by people", partial_judge, "", honest_judge),
    Fault("judge that likes B", "judge, unchecked", unchecked_judge, "judge|people", honest_judge),
    Fault("heavy user", "independent", heavy_user, "user|unit|request", users_yes_no),
    Fault("heavy user", "independent, cost", heavy_cost, "user|unit|request", plain_cost, 0.4),
    Fault("ten teams per arm", "independent", teams, "", many_teams),
    Fault("clusters", "paired", conversations, "", conversations, 0.2),
    Fault("leaked covariate", "independent", leaked_covariate, "covariate|before", honest_covariate),
    Fault("covariate moved by the variant", "independent", moved_covariate, "covariate|before", honest_covariate),
    Fault("confounded rater", "ratings, grades", confounded_rater, "rater|grader|people", grades, 0.1),
    Fault("one partial rater", "ratings, grades", one_partial_rater, "rater", grades, 0.1),
    Fault("exported twice", "paired", exported_twice, "twice|duplicat|more than once|same row", rows_yes_no),
    Fault("exported twice", "independent", users_exported_twice, "twice|duplicat|more than once", users_graded),
    Fault("failures that depend on the row", "paired", hard_rows_fail, "fail|error|no answer|missing", rows_yes_no),
    Fault("smallest effect times 100", "paired", per_cent_as_share, "0\\.05", rows_yes_no),
    Fault("limit times 100", "paired", per_cent_as_limit, "0\\.1", rows_yes_no),
    Fault("lopsided votes", "ratings, votes", lopsided_votes, "", nine_of_ten),
    Fault("rows removed after a look", "paired", removed_rows, "removed|fewer|taken out|less", rows_yes_no),
    Fault("epoch-sized numbers", "paired", epoch_numbers, "", rows_graded, 0.1),
    Fault("equal values", "paired", equal_values, "", rows_graded, 0.1, has_loss=False),
    Fault("constant grades", "paired", constant_grades, "", rows_graded, 0.1, has_loss=False),
    Fault("misspelled metric", "paired", misspelled_metric, "M1", rows_yes_no),
    Fault("ids that do not match", "paired", other_ids, "id", rows_yes_no),
    Fault("wrong design", "paired", wrong_design, "independent|id", users_graded),
)
