"""A plan can be decided by what people will say: the measure is named before anybody rates."""

from __future__ import annotations

from collections.abc import Callable

from starlette.testclient import TestClient

from experiments.views.runs.experiments import get_experiment
from experiments.vocabulary import QuestionKind
from storage.store import Store
from tests.builders import made, run_to_end, spec_of
from tests.pages.conftest import Opened
from tests.rating_builders import arrived, opened, rate_everything, served


def test_a_plan_names_what_people_will_rate(app: Callable[[Store], Opened], finished: Store) -> None:
    page = app(finished).go("design_experiment.py", view="New comparison")
    page.press("Remove")
    assert "at least one measure" in page.words

    page.at.pills(key="plan_ratings").set_value([QuestionKind.PAIRWISE, QuestionKind.SCALE])
    page.run()
    assert page.at.selectbox(key="plan_primary").options == ["preferred", "rating"]
    page.at.text_input(key="plan_name").set_value("by people")
    page.run()
    assert page.errors == []
    page.press("Start the test")

    view = get_experiment(finished, "by people")
    assert view.spec.plan.primary.metric == "preferred"
    assert view.spec.plan.secondary == ("rating",)
    assert {name: view.metrics[name] for name in ("preferred", "rating")} == {
        "preferred": "preference",
        "rating": "ordinal",
    }
    assert view.scorer_versions == {}


def test_the_result_waits_for_people_and_then_says_what_they_said(app: Callable[[Store], Opened], empty: Store) -> None:
    plan = {"primary": {"metric": "preferred", "smallest_effect": 0.05}}
    made(empty, spec_of("by people", scorers=[], ratings=[{"metric": "preferred"}], plan=plan))
    run_to_end(empty, "by people")

    page = app(empty).go("read_results.py", exp="by people")
    assert page.errors == ["People decide on preferred, and nobody has rated yet. Open a rating session."]
    assert "Let people rate these answers" in [link.label for link in page.at.page_link]

    session = opened(empty, "by people", overlap=1)
    with TestClient(served(empty), base_url="http://localhost") as client:
        rate_everything(arrived(client, session), lambda task: "left" if "unit" in task["left"] else "right")
    page = app(empty).go("read_results.py", exp="by people")

    assert page.errors == []
    assert "B is better" in page.words
