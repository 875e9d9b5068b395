"""The list of experiments."""

from datetime import UTC, datetime, timedelta

import pytest

from experiments.views.runs.experiments import ExperimentSummary
from experiments.vocabulary import ExperimentState
from pages.components.plan.experiment_list import _facts


@pytest.mark.parametrize(
    ("dataset", "told"), [("tickets", "tickets · 264 rows · $0.10 · 3 days ago"), ("", "live traffic · 3 days ago")]
)
def test_a_live_test_is_not_told_to_have_no_rows(dataset, told):
    summary = ExperimentSummary(
        id="1", name="reply", state=ExperimentState.RUNNING, run_state=None, variants=("A", "B"), dataset=dataset,
        rows=264 if dataset else 0, simulated=False, sample=False, headline=None, outcome=None,
        created_at=datetime.now(UTC) - timedelta(days=3), created_by="ada", spent_usd=0.1 if dataset else 0.0,
    )  # fmt: skip

    assert _facts(summary) == told
