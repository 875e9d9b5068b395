"""Plan + analysis → verdict: each rule with its sentence, the first that fits, the same bytes every time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from experiments.plans.plan import Guardrail, MetricDefinition
from experiments.results.comparisons.health import failed
from experiments.results.comparisons.judges import JudgeEvidence
from experiments.results.decision import decide
from experiments.vocabulary import Design, Direction, MetricKind
from tests.experiments.analysis_tables import normal_scores, plan, rows, yes_no
from tests.experiments.verdict_tables import (
    CANNOT,
    COLLECT,
    GSM8K,
    KEEP,
    SHIP,
    analysis,
    verdict,
    with_cost,
    with_latency,
)

# --- ship ------------------------------------------------------------------------------------------------------------


def test_a_clear_win_ships_with_its_size_and_range() -> None:
    found = verdict(GSM8K, plan(effect=0.03))

    assert (found.outcome, found.winner, found.deciding_rule) == (SHIP, "B", "better")
    assert found.headline == "B is better. You can promote it."
    assert found.detail == (
        "B scored +14.2 points (22.2 to 36.5 of 100). True gain very likely between +9.5 and +19.0 points. "
        "You asked for at least +3.0 points."
    )
    assert not found.confirm_needed


def test_a_win_whose_range_includes_the_target_says_maybe() -> None:
    found = verdict(GSM8K, plan(effect=0.12))

    assert (found.outcome, found.confirm_needed) == (SHIP, False)
    assert found.headline == "B is better, maybe by less than you asked for."
    assert found.detail.startswith(
        "B scored +14.2 points (22.2 to 36.5 of 100). True gain very likely between +9.5 and"
    )
    assert found.detail.endswith("You asked for at least +12.0 points.")


def test_a_win_that_nearly_reaches_the_target_for_sure_says_how_many_rows_would() -> None:
    found = verdict(with_cost(GSM8K, ratio=1.0), plan(effect=0.10))

    assert found.more_units_needed is not None
    assert 400 < found.more_units_needed < 1000
    assert f"About {found.more_units_needed:,} more rows (about $" in found.detail
    assert found.detail.endswith("would settle it.")


def test_a_win_smaller_than_asked_for_needs_a_person() -> None:
    found = verdict(GSM8K, plan(effect=0.2))

    assert (found.outcome, found.confirm_needed, found.deciding_rule) == (SHIP, True, "better_but_small")
    assert "please confirm" in found.sentence


def test_a_gain_in_speed_is_asked_for_without_a_sign() -> None:
    rng = np.random.default_rng(2)
    slow = rng.lognormal(6, 0.3, 200)
    found = verdict(rows("latency_ms", {"A": slow, "B": slow - rng.normal(40, 5, 200)}), plan("latency_ms", effect=20))

    assert found.detail.startswith("B is 40 ms faster. True gain very likely between 39 ms and 4")
    assert found.detail.endswith("You asked for at least 20 ms.")


def test_a_cost_within_its_limit_ships_though_it_is_higher_beyond_doubt() -> None:
    table = with_cost(GSM8K, ratio=1.05)
    guarded = plan(guardrails=[Guardrail(metric="cost_usd", margin=0.10, relative=True)])

    found = verdict(table, guarded)

    assert (found.outcome, found.deciding_rule) == (SHIP, "better")
    assert "5.0 % more expensive" in found.sentence
    assert "The limit you set is kept." in found.sentence
    assert any("your limit was 10 %" in reason for reason in found.reasons)


def test_a_difference_that_is_the_same_on_every_row_is_known() -> None:
    longer = pd.concat([GSM8K, rows("prompt_tokens", {"A": [100.0] * 400, "B": [112.0] * 400})], ignore_index=True)

    kept = verdict(longer, plan(guardrails=[Guardrail(metric="prompt_tokens", margin=20)]))
    broken = verdict(longer, plan(guardrails=[Guardrail(metric="prompt_tokens", margin=10)]))

    assert kept.outcome is SHIP
    assert (broken.outcome, broken.deciding_rule) == (KEEP, "limit_broken:prompt_tokens")


# --- keep control ----------------------------------------------------------------------------------------------------


def test_a_clear_loss_keeps_the_control() -> None:
    found = verdict(yes_no(both=67, fixed=22, broken=79, neither=232), plan())

    assert (found.outcome, found.winner, found.deciding_rule) == (KEEP, "A", "primary_worse")
    assert found.headline == "A is better. Keep A."


def test_a_broken_limit_beats_a_win() -> None:
    table = with_latency(GSM8K, extra=400)
    guarded = plan(guardrails=[Guardrail(metric="latency_ms", aggregate="p95", margin=100)])

    found = verdict(table, guarded)

    assert (found.outcome, found.deciding_rule) == (KEEP, "limit_broken:latency_ms")
    assert found.headline == "B is better, but it breaks one of your limits."
    assert found.sentence.startswith("Keep A. B's p95 latency is ")
    assert "more than the 100 ms you allow" in found.sentence


def test_a_gain_too_small_to_matter_keeps_the_control() -> None:
    found = verdict(yes_no(both=300, fixed=8, broken=8, neither=84), plan(effect=0.1))

    assert (found.outcome, found.deciding_rule) == (KEEP, "too_small_to_matter")
    assert found.headline == "No difference that matters."
    assert "under the +10.0 points you asked for" in found.detail


def test_the_same_value_on_every_row_is_no_difference_once_there_are_enough_rows() -> None:
    few = verdict(rows("score", {"A": [0.5] * 60, "B": [0.5] * 60}), plan("score"))
    many = verdict(rows("score", {"A": [0.5] * 200, "B": [0.5] * 200}), plan("score"))

    assert few.deciding_rule == "not_enough_evidence"
    assert (many.outcome, many.deciding_rule) == (KEEP, "too_small_to_matter")


def test_costs_that_are_the_same_on_every_row_are_no_difference() -> None:
    definitions = {"usd": MetricDefinition("usd", MetricKind.COST, Direction.LOWER, "usd")}
    found = verdict(rows("usd", {"A": [0.5] * 60, "B": [0.5] * 60}), plan("usd"), metrics=definitions)

    assert found.outcome is KEEP
    assert "gave the same value on every row" in found.detail


# --- keep collecting -------------------------------------------------------------------------------------------------


def test_too_little_evidence_says_how_many_more_rows() -> None:
    found = verdict(with_cost(yes_no(both=40, fixed=12, broken=8, neither=40), ratio=1.0), plan(effect=0.05))

    assert (found.outcome, found.winner, found.deciding_rule) == (COLLECT, None, "not_enough_evidence")
    assert found.headline == "Not enough rows to tell."
    assert found.more_units_needed is not None
    assert 300 < found.more_units_needed < 1500
    assert found.sentence.startswith("No call yet. B looks 4.0 points better, but anything from −")
    assert "more rows (about $" in found.sentence


@pytest.mark.parametrize(
    ("cost_of_a_call", "budget_usd", "said"),
    [(2e-2, None, True), (2e-5, None, False), (2e-5, 0.01, True), (2e-2, 1000.0, False), (None, None, False)],
)
def test_many_more_rows_are_not_worth_it_only_where_they_are_dear(
    cost_of_a_call: float | None, budget_usd: float | None, said: bool
) -> None:
    table = yes_no(both=20, fixed=7, broken=6, neither=10)
    if cost_of_a_call is not None:
        table = with_cost(table, ratio=1.0, base=cost_of_a_call)
    given_plan = plan(effect=0.03)

    found = decide(given_plan, analysis(table, given_plan), budget_usd=budget_usd)

    assert found.outcome is COLLECT
    assert (found.more_units_needed or 0) > 5 * 43
    assert ("probably not worth it" in found.sentence) is said


def test_a_limit_that_is_not_shown_to_hold_keeps_collecting() -> None:
    table = with_cost(GSM8K, ratio=1.05, noise=0.8)
    guarded = plan(guardrails=[Guardrail(metric="cost_usd", margin=0.5, relative=True)])
    doubtful = plan(guardrails=[Guardrail(metric="cost_usd", margin=0.48, relative=True)])

    found = [verdict(table, p) for p in (guarded, doubtful)]

    assert {v.outcome for v in found} <= {SHIP, COLLECT}
    unclear = verdict(with_cost(GSM8K, ratio=1.0, noise=1.2), guarded)
    assert (unclear.outcome, unclear.deciding_rule) == (COLLECT, "limit_unclear:cost_usd")
    assert unclear.headline == "B is ahead, but a limit is not shown to hold yet."


def test_a_p95_limit_on_too_few_rows_waits_for_them() -> None:
    table = with_latency(normal_scores(120, gain=1.0), extra=0)
    guarded = plan("score", guardrails=[Guardrail(metric="latency_ms", aggregate="p95", margin=100)])

    found = verdict(table, guarded)

    assert (found.outcome, found.deciding_rule) == (COLLECT, "limit_unclear:latency_ms")
    assert "200 are needed" in found.detail


def test_before_the_planned_size_there_is_only_progress() -> None:
    found = verdict(GSM8K, plan(planned_units=600))

    assert (found.outcome, found.deciding_rule, found.more_units_needed) == (COLLECT, "planned_size_not_reached", 200)
    assert found.detail == "400 of 600 rows are in. The plan reads the result once, when all of them are."


def test_a_watched_run_may_win_before_its_planned_size() -> None:
    found = verdict(GSM8K, plan(planned_units=600, stopping="sequential"))

    assert found.outcome is SHIP


# --- cannot decide ---------------------------------------------------------------------------------------------------


def test_too_few_rows_cannot_decide() -> None:
    found = verdict(yes_no(both=5, fixed=10, broken=0, neither=5), plan())

    assert (found.outcome, found.deciding_rule, found.more_units_needed) == (CANNOT, "health:units", 10)
    assert found.headline == "Not enough rows to tell."


def test_failures_of_one_variant_cannot_decide() -> None:
    table = GSM8K.copy()
    lost = (table["variant"] == "B") & table["unit_id"].isin([f"u{i}" for i in range(41)])
    table["status"] = np.where(lost, "error", "ok")
    table.loc[lost, "value"] = np.nan

    found = verdict(table, plan())

    assert (found.outcome, found.deciding_rule) == (CANNOT, "health:error_rates")
    assert found.headline == "Do not decide yet."
    assert "0 of 400 rows failed for A, 41 of 400 for B" in found.detail


def test_an_uneven_split_cannot_decide() -> None:
    table = pd.DataFrame(
        {
            "variant": ["A"] * 600 + ["B"] * 400,
            "unit_id": [f"u{i}" for i in range(1000)],
            "metric": "correct",
            "value": np.tile([0.0, 1.0], 500),
        }
    )

    found = verdict(table, plan(), design=Design.INDEPENDENT)

    assert (found.outcome, found.deciding_rule) == (CANNOT, "health:srm")
    assert "600 users saw A, 400 users saw B" in found.detail


def test_what_the_caller_found_counts() -> None:
    found = verdict(GSM8K, plan(), facts=[failed("changed_midway", "The model behind B changed midway.")])

    assert found.deciding_rule == "health:changed_midway"


def test_a_doubtful_judge_is_named_beside_who_is_ahead() -> None:
    found = verdict(GSM8K, plan(), judges=[JudgeEvidence("correct", "helpful@1")])

    assert found.headline == "B is ahead, but the automatic judge is not reliable here."
    assert (found.outcome, found.deciding_rule) == (CANNOT, "health:judge")


def test_a_limit_that_was_never_measured_cannot_decide() -> None:
    found = verdict(GSM8K, plan(guardrails=[Guardrail(metric="cost_usd", margin=0.1, relative=True)]))

    assert (found.outcome, found.deciding_rule) == (CANNOT, "no_values:cost_usd")
    assert "was never measured" in found.detail


def test_no_control_cannot_decide() -> None:
    found = verdict(GSM8K[GSM8K["variant"] == "B"], plan())

    assert (found.outcome, found.deciding_rule) == (CANNOT, "health:control")


def test_an_analysis_of_another_plan_is_refused() -> None:
    with pytest.raises(ValueError, match="another plan"):
        decide(plan(effect=0.5), analysis(GSM8K, plan()))


def test_a_watched_yes_or_no_may_decide_from_its_first_rows_where_the_plan_says_so() -> None:
    """Exact bets need no least size; without the plan's word the usual 30 rows stay, for test sets are often sorted."""
    table = yes_no(both=0, fixed=12, broken=0, neither=0)
    early = verdict(table, plan(stopping="sequential", minimum_units=2), planned_units=200)
    usual = verdict(table, plan(stopping="sequential"), planned_units=200)

    assert early.outcome is SHIP
    assert usual.outcome is CANNOT
    assert usual.deciding_rule == "health:units"
