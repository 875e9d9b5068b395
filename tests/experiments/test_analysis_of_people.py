"""Ratings, votes and judges in the analysis: per item, never per vote; judges only as far as people agree with them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from experiments.plans.plan import Plan
from experiments.results.comparisons.judge_evidence import JudgeEvidence
from experiments.results.comparisons.leave_one_rater import rated_questions
from experiments.results.comparisons.preparing import Prepared, prepare
from experiments.results.decision import decide
from experiments.stats.estimates import Estimate, State
from experiments.vocabulary import Design, HealthStatus, VerdictOutcome
from tests.experiments.analysis_tables import METRICS, check, plan, primary, rows, run


def rated(n_items: int = 40, raters: int = 3, *, noise: float = 0.5, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    quality = rng.normal(3, 1, n_items)
    parts = []
    for rater in range(raters):
        held = {
            v: np.clip(np.round(quality + gain + rng.normal(0, noise, n_items)), 1, 5)
            for v, gain in (("A", 0.0), ("B", 0.4))
        }
        parts.append(rows("grade", held).assign(rater_id=f"r{rater}"))
    return pd.concat(parts, ignore_index=True)


def test_ratings_are_analysed_per_item_never_per_vote() -> None:
    analysis = run(rated(), plan("grade", effect=0.2))

    assert primary(analysis).n_units == 40
    agreement = analysis.agreement[0]
    assert (agreement.raters, agreement.items, agreement.level) == (3, 80, "ordinal")
    assert agreement.alpha is not None
    assert agreement.lower is not None
    assert agreement.lower < agreement.alpha


def test_raters_who_answer_at_random_do_not_block_a_verdict_on_the_mean() -> None:
    table = rated(300, noise=0.1)
    table["value"] = np.random.default_rng(1).integers(1, 6, len(table)).astype(float)
    asked = plan("grade", effect=0.3)
    analysis = run(table, asked)

    assert check(analysis, "raters") is HealthStatus.WARN
    verdict = decide(asked, analysis)
    assert verdict.outcome is VerdictOutcome.KEEP_CONTROL
    assert verdict.headline == "No difference that matters."


@pytest.mark.parametrize("seed", range(5))
def test_a_landslide_of_votes_decides(seed: int) -> None:
    """400 votes, 90 % for B: alpha is near 0 since nearly all votes are alike; the mean is beyond doubt."""
    liked = np.random.default_rng(seed).permutation([1.0] * 360 + [0.0] * 40)
    table = pd.concat([votes({("B", "A"): list(liked[r::4])}).assign(rater_id=f"r{r}") for r in range(4)])
    asked = plan("liked", effect=0.05)

    analysis = run(table, asked)

    assert decide(asked, analysis).outcome is VerdictOutcome.SHIP
    [row] = analysis.to_json()["agreement"]
    assert row["alpha"] < 0.2
    assert row["gwet"]["name"] == "AC1"
    assert 0.6 < row["gwet"]["lower"] < row["gwet"]["estimate"] < row["gwet"]["upper"] <= 1
    assert check(analysis, "raters") is HealthStatus.OK


def one_against_others(n: int, *, seed: int) -> pd.DataFrame:
    """Votes of four raters on n items: r0 says B every time, the others say either."""
    rng = np.random.default_rng(seed)
    return pd.concat(
        votes({("B", "A"): [1.0] * n if rater == 0 else list((rng.random(n) < 0.5).astype(float))}).assign(
            rater_id=f"r{rater}"
        )
        for rater in range(4)
    )


@pytest.mark.parametrize("seed", range(5))
def test_one_rater_against_the_others_blocks_the_verdict_and_is_named(seed: int) -> None:
    asked = plan("liked", effect=0.05)
    verdict = decide(asked, run(one_against_others(150, seed=seed), asked))

    assert verdict.deciding_rule == "health:raters"
    assert "One rater against the others: with rater r0 B has the higher value" in verdict.sentence


def test_a_rater_who_gives_more_but_turns_nothing_is_no_fault() -> None:
    table = rated(200, noise=0.3)
    table.loc[(table["rater_id"] == "r0") & (table["variant"] == "B"), "value"] += 0.5
    assert check(run(table, plan("grade", effect=0.1)), "raters") is not HealthStatus.FAIL


def test_raters_who_saw_one_variant_each_block_the_verdict_with_their_shares() -> None:
    table = rated(120, noise=0.3)
    mixed = (table["rater_id"] == "r0") == (table["variant"] == "A")
    asked = plan("grade", effect=0.1)
    verdict = decide(asked, run(table[mixed], asked))

    assert verdict.deciding_rule == "health:raters"
    assert "rater r0 gave 100% of the ratings of A and 0% of those of B" in verdict.sentence


def test_a_crowd_that_rates_one_output_each_is_not_mixed_up_with_the_variants() -> None:
    table = rated(120, raters=1, noise=0.3)
    table["rater_id"] = [f"r{place}" for place in np.random.default_rng(3).permutation(len(table))]
    assert check(run(table, plan("grade", effect=0.1)), "raters") is not HealthStatus.FAIL


def test_from_six_raters_on_both_results_are_told() -> None:
    few, many = (primary(run(rated(60, raters=n), plan("grade", effect=0.1))) for n in (5, 6))

    assert few.details["raters"] == 5
    assert "general_estimate" not in few.details
    assert many.details["general_estimate"] == pytest.approx(many.estimate)
    assert many.details["general_lower"] < many.details["these_raters_upper"]
    assert many.lower is not None
    assert many.lower <= many.details["these_raters_lower"]


def test_each_rater_is_left_out_once() -> None:
    asked = plan("liked", effect=0.05)
    ready = prepared(one_against_others(80, seed=3), asked)

    [found] = rated_questions(ready.study, ready.primary)

    assert [one.rater for one in found.left_out] == ["r0", "r1", "r2", "r3"]
    assert [one.share for one in found.left_out] == [0.25] * 4
    assert found.left_out[0].apart
    whole, without = found.outcome, found.left_out[0].interval
    assert isinstance(whole, Estimate)
    assert without is not None
    three = one_against_others(80, seed=3).query("rater_id != 'r0'")
    assert without.estimate == pytest.approx(primary(run(three, asked)).estimate)
    assert whole.estimate > without.estimate


def test_without_a_rater_it_is_nearly_what_the_analysis_of_the_others_says() -> None:
    asked, table = plan("grade", effect=0.1), rated(60, raters=5, noise=0.8)
    ready = prepared(table, asked)
    [question] = rated_questions(ready.study, ready.primary)
    for one in question.left_out:
        again = primary(run(table.query(f"rater_id != '{one.rater}'"), asked))
        assert one.interval is not None
        assert one.interval.estimate == pytest.approx(again.estimate)
        assert (one.interval.lower, one.interval.upper) == pytest.approx((again.lower, again.upper), abs=0.01)


def prepared(table: pd.DataFrame, asked: Plan) -> Prepared:
    return prepare(
        table,
        plan=asked,
        metrics=METRICS,
        control="A",
        design=Design.PAIRED,
        slices=(),
        seed=0,
        live=False,
        looks=(),
        planned_units=None,
        variants=None,
    )


def votes(shares: dict[tuple[str, str], list[float]], *, raters: int = 1) -> pd.DataFrame:
    parts = []
    for (first, second), held in shares.items():
        for rater in range(raters):
            parts.append(
                pd.DataFrame(
                    {
                        "variant": first,
                        "opponent": second,
                        "unit_id": [f"i{k}" for k in range(len(held))],
                        "metric": "liked",
                        "value": held,
                        "rater_id": f"r{rater}",
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)


def test_one_vote_per_item_is_a_sign_test_on_the_decided_ones() -> None:
    table = votes({("B", "A"): [1.0] * 30 + [0.0] * 10 + [0.5] * 10})

    found = primary(run(table, plan("liked", effect=0.05)))

    assert (found.method, found.n_units) == ("sign_test", 50)
    assert found.estimate == pytest.approx(0.7 - 0.5)
    assert (found.details["wins"], found.details["ties"], found.details["losses"]) == (30, 10, 10)


def test_a_vote_told_from_either_side_is_the_same_vote() -> None:
    told_by_b = votes({("B", "A"): [1.0] * 30 + [0.0] * 20})
    told_by_a = votes({("A", "B"): [0.0] * 30 + [1.0] * 20})
    told_by_both = pd.concat([told_by_b, told_by_a], ignore_index=True)
    as_signs = told_by_b.assign(value=2 * told_by_b["value"] - 1)

    found = [primary(run(t, plan("liked"))) for t in (told_by_b, told_by_a, told_by_both, as_signs)]

    assert len({(c.estimate, c.p_value, c.n_units) for c in found[:1] + found[2:]}) == 1
    assert found[1].estimate == found[0].estimate


def test_three_variants_are_ranked_by_their_votes() -> None:
    rng = np.random.default_rng(0)

    def shares(chance: float) -> list[float]:
        return list((rng.random(80) < chance).astype(float))

    table = votes({("B", "A"): shares(0.8), ("C", "A"): shares(0.5), ("C", "B"): shares(0.2)})

    standings = run(table, plan("liked")).standings[0]

    assert standings.status is State.OK
    assert standings.variants[0].variant == "B"
    assert (standings.variants[0].best_rank, standings.variants[0].worst_rank) == (1, 1)


# --- judges ----------------------------------------------------------------------------------------------------------


def judged(seed: int = 0, *, good: bool = True) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A yes-or-no judge of 300 rows, and people's answers to 120 of its outputs."""
    rng = np.random.default_rng(seed)
    truth = {"A": rng.random(300) < 0.6, "B": rng.random(300) < 0.75}
    right = 0.92 if good else 0.5
    judge = {v: np.where(rng.random(300) < right, t, ~t).astype(float) for v, t in truth.items()}
    table = rows("correct", judge)
    labels = rows("correct", {v: t[:60].astype(float) for v, t in truth.items()})
    return table, labels


def test_a_judge_that_agrees_with_people_may_decide_and_is_corrected() -> None:
    table, labels = judged()

    analysis = run(table, judges=[JudgeEvidence("correct", "helpful@2", labels, position_bias=0.03)])

    card = analysis.judges[0]
    assert card.usable
    assert card.human_items == 120
    assert card.sensitivity is not None
    assert card.sensitivity > 0.8
    assert [name for name, _ in card.corrected] == ["B"]
    assert [name for name, _ in card.rates] == ["A", "B"]
    assert card.rates[1][1].lower < 0.75 < card.rates[1][1].upper
    assert check(analysis, "judge") is HealthStatus.OK


@pytest.mark.parametrize("case", ["coin", "nobody", "few"])
def test_a_judge_that_nobody_can_rely_on_blocks_the_verdict(case: str) -> None:
    table, labels = judged(good=case != "coin")
    people = {"coin": labels, "nobody": None, "few": labels.head(20)}[case]

    analysis = run(table, judges=[JudgeEvidence("correct", "helpful@2", people)])

    assert not analysis.judges[0].usable
    assert check(analysis, "judge") is HealthStatus.FAIL


def test_the_floor_of_the_plan_counts() -> None:
    table, labels = judged()

    analysis = run(table, plan(judge_floor=0.99), judges=[JudgeEvidence("correct", "helpful@2", labels)])

    assert "floor" in analysis.judges[0].reason
