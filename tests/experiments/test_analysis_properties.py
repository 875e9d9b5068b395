"""What must hold for every table: order and names change no byte, swapping flips signs, copies add nothing."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.plans.plan import Plan
from experiments.results.analysis import Analysis
from experiments.vocabulary import HealthStatus, canonical_json
from tests.experiments.analysis_tables import check, plan, primary, rows, run, text


def _table(seed: int, n: int, kind: str, clusters: bool) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    draw = {
        "correct": lambda: rng.integers(0, 2, n).astype(float),
        "score": lambda: rng.normal(size=n),
        "grade": lambda: rng.integers(1, 6, n).astype(float),
    }[kind]
    table = rows(kind, {"A": draw(), "B": draw()}, language=rng.choice(["de", "en"], n))
    if clusters:
        table["cluster_id"] = [f"c{int(unit[1:]) % max(3, n // 3)}" for unit in table["unit_id"]]
    return table


TABLES = st.builds(
    _table, st.integers(0, 10_000), st.integers(8, 60), st.sampled_from(["correct", "score", "grade"]), st.booleans()
)


def _plan_for(table: pd.DataFrame) -> Plan:
    return plan(str(table["metric"].iloc[0]))


@settings(deadline=None, max_examples=30)
@given(TABLES, st.integers(0, 100))
def test_row_order_changes_no_byte(table: pd.DataFrame, seed: int) -> None:
    shuffled = table.sample(frac=1, random_state=seed)

    one, other = (run(t, _plan_for(table), slices=["language"]) for t in (table, shuffled))

    assert text(one) == text(other)


@settings(deadline=None, max_examples=20)
@given(TABLES)
def test_the_names_of_units_and_clusters_change_no_byte(table: pd.DataFrame) -> None:
    renamed = table.assign(unit_id=[f"row {hash(unit) % 10**9} {unit}" for unit in table["unit_id"]])
    if "cluster_id" in table:
        renamed["cluster_id"] = [f"{c[::-1]}z" for c in table["cluster_id"]]

    one, other = (run(t, _plan_for(table)) for t in (table, renamed))

    assert _nameless(one) == _nameless(other)


def _nameless(analysis: Analysis) -> str:
    """The analysis as bytes, where a row or cluster that is told of is only told of."""
    found = analysis.to_json()
    for part in (found["robustness"] or {}).values():
        if isinstance(part, dict) and part.get("name"):
            found["robustness"]["sentence"] = found["robustness"]["sentence"].replace(part["name"], "NAME")
            part["name"] = "NAME"
    return canonical_json(found)


@settings(deadline=None, max_examples=30)
@given(TABLES)
def test_swapping_the_variants_flips_the_signs(table: pd.DataFrame) -> None:
    swapped = table.assign(variant=table["variant"].map({"A": "B", "B": "A"}))

    one, other = (primary(run(t, _plan_for(table))) for t in (table, swapped))

    assert one.status == other.status
    if one.estimate is not None and other.estimate is not None and other.upper is not None:
        assert one.estimate == pytest.approx(-other.estimate, abs=1e-12)
        assert one.lower == pytest.approx(-other.upper, abs=1e-9)
        assert one.p_value == pytest.approx(other.p_value, rel=1e-9)


@settings(deadline=None, max_examples=30)
@given(TABLES, st.sampled_from(["fixed", "sequential", "hybrid"]), st.integers(1, 80))
def test_no_number_in_the_results_is_ever_infinite(table: pd.DataFrame, stopping: str, planned: int) -> None:
    given_plan = plan(str(table["metric"].iloc[0]), stopping=stopping, planned_units=max(2, planned))

    analysis = run(table, given_plan, slices=["language"])

    json.dumps(analysis.to_json(), allow_nan=False)


@settings(deadline=None, max_examples=15)
@given(TABLES)
def test_rows_that_stand_there_twice_count_once(table: pd.DataFrame) -> None:
    table = table.assign(repetition=0)
    doubled = pd.concat([table, table], ignore_index=True)

    one, other = (run(t, _plan_for(table)) for t in (table, doubled))

    assert (primary(one).n_units, primary(one).lower) == (primary(other).n_units, primary(other).lower)
    assert check(other, "duplicates") is HealthStatus.WARN
