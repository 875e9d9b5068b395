"""Would the deciding reading survive: checked against counting by hand and against doing it the long way."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from experiments.plans.plan import MetricDefinition
from experiments.results.analysis import Analysis
from experiments.results.comparisons.contributions import Contributions
from experiments.results.comparisons.robustness import Robustness
from experiments.vocabulary import Design, Direction, MetricKind
from tests.experiments.analysis_tables import normal_scores, plan, primary, rows, run, yes_no
from tests.experiments.verdict_tables import GSM8K


def of(analysis: Analysis) -> Robustness:
    assert analysis.robustness is not None
    return analysis.robustness


def without(table: pd.DataFrame, variant: str, units: int) -> pd.DataFrame:
    """The table with the first units of a variant failed."""
    lost = (table["variant"] == variant) & table["unit_id"].isin([f"u{i}" for i in range(units)])
    changed = table.assign(status=np.where(lost, "error", "ok"))
    changed.loc[lost, "value"] = np.nan
    return changed


def test_missing_rows_in_the_worst_case_are_counted_by_hand() -> None:
    """400 rows, 57 more right under B; 8 rows right under A have no answer of B: at worst (57 − 8) / 400."""
    found = of(run(without(GSM8K, "B", 8)))

    assert found.missing == 8
    assert found.worst_case is not None
    assert found.worst_case.estimate == pytest.approx(49 / 400)
    assert not found.worst_case.turns
    assert found.needed is None
    assert found.sentence.startswith("That B is better on correct would survive: ")


def test_the_tipping_point_is_the_smallest_number_that_turns_the_reading() -> None:
    """12 fixed, 2 broken of 60; A's 20 right rows lack B. Each that failed takes one from the gain."""
    table = without(yes_no(both=20, fixed=12, broken=2, neither=26), "B", 20)

    found = of(run(table))

    shown = primary(run(table))
    assert (found.missing, shown.better) == (20, "treatment")
    assert shown.estimate is not None
    assert shown.lower is not None

    def lower(failed: int) -> float:
        n, total = 40 + failed, 10 - failed
        errors = [((14 + k - t * t / m) * m / (m - 1)) ** 0.5 / m for k, t, m in ((0, 10, 40), (failed, total, n))]
        return total / n - (shown.estimate - shown.lower) * errors[1] / errors[0]  # type: ignore[operator]

    assert found.needed == next(k for k in range(1, 21) if lower(k) <= 0)
    assert f"it turns if {found.needed} of the 20 missing rows had gone the other way" in found.sentence


def test_the_evidence_as_it_stands_gives_the_interval_that_is_shown() -> None:
    table = normal_scores(60, gain=1.0)
    table["cluster_id"] = [f"c{int(u[1:]) % 20}" for u in table["unit_id"]]
    shown = primary(run(table, plan("score")))
    found = of(run(table, plan("score"))).leave_one_cluster_out

    assert found is not None
    assert (found.tried, found.turned) == (20, 0)
    assert shown.lower is not None
    assert found.lower == pytest.approx(shown.lower, abs=0.2)


def test_leaving_out_each_cluster_by_sums_is_leaving_it_out() -> None:
    rng = np.random.default_rng(5)
    units, cluster = np.arange(80), rng.integers(0, 12, 80)
    arm = (units >= 40).astype(np.intp)
    cluster = (cluster + 12 * arm).astype(np.intp)
    held = Contributions(
        units, rng.normal(1e6, 1, 80), rng.integers(1, 9, 80).astype(float), arm, (-1.0, 1.0), cluster, paired=False
    )

    estimates, variances = held.without_each()

    alone = held.first_units()
    for place, unit in enumerate(alone):
        kept = cluster != cluster[unit]
        left = Contributions(
            units[kept], held.y[kept], held.n[kept], arm[kept], (-1.0, 1.0), cluster[kept], paired=False
        )
        assert estimates[place] == pytest.approx(left.estimate, rel=1e-9)
        assert variances[place] == pytest.approx(left.variance, rel=1e-6)
    assert len(alone) == len(np.unique(cluster))


def test_one_cluster_that_hides_the_gain_is_named() -> None:
    table = normal_scores(64, spread=0.4)
    table["cluster_id"] = [f"c{int(u[1:]) // 4}" for u in table["unit_id"]]
    shift = np.where(table["cluster_id"] == "c3", -6.0, 0.5)
    table["value"] += np.where(table["variant"] == "B", shift, 0.0)

    analysis = run(table, plan("score"))
    found = of(analysis).leave_one_cluster_out

    assert primary(analysis).better == "unclear"
    assert found is not None
    assert (found.turns, found.better, found.turned, found.name) == (True, "treatment", 1, "of row u12")
    rest = primary(run(table[table["cluster_id"] != "c3"], plan("score")))
    assert found.estimate == pytest.approx(rest.estimate)
    assert "hangs on little: without the cluster of row u12 it would be better" in of(analysis).sentence


def test_one_rater_who_makes_the_difference_is_named() -> None:
    """Three raters; one prefers B always, the others toss coins in balance."""
    votes = []
    for i in range(40):
        for rater, share in (("r1", 1.0), ("r2", float(i % 2)), ("r3", float(i // 2 % 2))):
            votes.append({"variant": "B", "opponent": "A", "unit_id": f"u{i}", "metric": "liked", "value": share,
                          "rater_id": rater})  # fmt: skip
    found = of(run(pd.DataFrame(votes), plan("liked")))

    assert found.leave_one_rater_out is not None
    assert (found.leave_one_rater_out.better, found.leave_one_rater_out.turns) == ("unclear", True)
    assert found.leave_one_rater_out.estimate == pytest.approx(0.0)
    assert "without rater r1 it would be unclear" in found.sentence


def test_graded_answers_without_each_rater() -> None:
    rng = np.random.default_rng(2)
    parts = [
        rows("grade", {"A": rng.integers(1, 4, 40), "B": rng.integers(3, 6, 40)}).assign(rater_id=rater)
        for rater in ("r1", "r2", "r3")
    ]
    found = of(run(pd.concat(parts, ignore_index=True), plan("grade"))).leave_one_rater_out

    assert found is not None
    assert (found.tried, found.better, found.turns) == (3, "treatment", False)


def test_clusters_widen_the_range_without_a_rater_too() -> None:
    rng = np.random.default_rng(4)
    teams = np.repeat(np.arange(12), 10)
    base = rng.integers(2, 4, 120).astype(float)
    gains = np.repeat(rng.integers(-1, 3, 12), 10)
    parts = [
        rows("grade", {"A": base, "B": base + gains + rng.normal(0, 0.1, 120)}).assign(
            rater_id=rater, cluster_id=[f"c{team}" for team in [*teams, *teams]]
        )
        for rater in ("r1", "r2", "r3")
    ]
    analysis = run(pd.concat(parts, ignore_index=True), plan("grade"))
    found, shown = of(analysis).leave_one_rater_out, primary(analysis)

    assert found is not None
    assert shown.upper is not None
    assert shown.lower is not None
    assert found.upper - found.lower == pytest.approx(shown.upper - shown.lower, rel=0.1)


def test_one_user_who_carries_the_bill_is_named() -> None:
    rng = np.random.default_rng(3)
    arms = {"A": rng.gamma(4, 0.25, 150), "B": rng.gamma(4, 0.25, 150)}
    arms["A"][7] = 400.0
    table = rows("price", arms)
    table["unit_id"] = table["variant"] + table["unit_id"]
    price = {"price": MetricDefinition("price", MetricKind.COST, Direction.LOWER, "usd")}

    found = of(run(table, plan("price", effect=0.1), metrics=price, design=Design.INDEPENDENT))

    assert found.without_largest_unit is not None
    assert found.without_largest_unit.name == "Au7"
    assert abs(found.without_largest_unit.estimate) < 0.5


def test_repeats_are_left_out_by_their_number() -> None:
    once = normal_scores(40, gain=0.8)
    both = pd.concat([once.assign(repetition=0), once.assign(repetition=1, value=once["value"] + 5.0)])

    found = of(run(both, plan("score"))).without_repeats

    assert found is not None
    assert found.estimate == pytest.approx(primary(run(once, plan("score"))).estimate)


def test_lower_is_better_turns_the_other_way() -> None:
    lower = {"correct": MetricDefinition("correct", MetricKind.BINARY, Direction.LOWER)}
    found = of(run(without(yes_no(both=67, fixed=22, broken=79, neither=232), "B", 30), metrics=lower))

    assert found.worst_case is not None
    assert found.worst_case.estimate == pytest.approx((22 - 79 + 0) / 400, abs=0.08)
    assert found.worst_case.estimate > -57 / 370


def test_what_is_no_sum_has_none() -> None:
    table = rows("latency_ms", {"A": np.linspace(100, 900, 220), "B": np.linspace(90, 800, 220)})

    assert run(table, plan("latency_ms", effect=20).model_copy(update={})).robustness is not None
    ranked = rows("grade", {"A": [1, 2, 3] * 20, "B": [2, 3, 4] * 20})
    ranked["unit_id"] = ranked["variant"] + ranked["unit_id"]
    assert run(ranked, plan("grade"), design=Design.INDEPENDENT).robustness is None


def test_the_json_has_its_fixed_keys() -> None:
    found = of(run(without(GSM8K, "B", 8))).to_json()

    assert set(found) == {
        "treatment", "missing", "leave_one_cluster_out", "leave_one_rater_out", "without_largest_unit",
        "without_repeats", "sentence",
    }  # fmt: skip
    assert set(found["missing"]) == {"worst_case", "tipping_point"}
    assert found["missing"]["tipping_point"] == {"missing": 8, "needed": None}
