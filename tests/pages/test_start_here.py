"""Home: what a new installation says, what needs somebody, and the card of first steps."""

from experiments.actions.installation.change_settings import set_monthly_budget
from experiments.actions.registry.promote import promote
from experiments.actions.runs.create_experiment import create_experiment
from experiments.actions.runs.start_run import start_run
from experiments.loading.first_steps import HIDDEN, first_steps
from experiments.views.datasets.datasets import get_dataset
from experiments.views.installation.home import home_view
from tests.builders import ADA, spec_of


def test_a_new_installation_says_where_to_begin(app, empty):
    home = app(empty)

    assert "Getting started** :gray[0 of 5]" in home.words
    assert "Nothing waits for you." in home.words
    assert "Nothing was promoted yet." in home.words
    assert [link.label for link in home.at.page_link if "Read a result" in link.label] == ["Read a result"]


def test_the_first_steps_are_put_away_for_good(app, empty):
    home = app(empty).press("Hide")

    assert "Getting started" not in home.words
    with empty.read() as tx:
        assert first_steps(tx) == (HIDDEN,)
    assert "Getting started" not in app(empty).words


def test_a_step_is_ticked_by_doing_it(app, finished):
    home = app(finished).go("read_results.py", exp="sums").go("start_here.py")

    assert "Getting started** :gray[1 of 5]" in home.words
    assert ":green[Read a result]" in home.words


def test_what_waits_for_somebody_is_named_with_its_verdict(app, finished):
    draft = spec_of("planned")
    create_experiment(finished, draft, dataset_version_id=get_dataset(finished, "questions").version_id, actor=ADA)

    home = app(finished)

    assert "**sums**" in home.words
    assert "B is better. You can promote it." in home.words
    assert "A is better. Keep A." in home.words
    assert "Planned, not started." in home.words


def test_a_running_test_shows_how_far_it_is(app, finished):
    version = get_dataset(finished, "questions").version_id
    create_experiment(finished, spec_of("under-way"), dataset_version_id=version, actor=ADA)
    start_run(finished, "under-way", actor=ADA)

    home = app(finished)

    assert "Running" in home.words
    assert "**0 of 80 answers** · Waiting for a worker" in home.at.get("progress")[0].text


def test_a_decision_and_the_month_are_told(app, finished):
    promote(finished, "sums", label="production", actor=ADA)
    set_monthly_budget(finished, 40.0, actor=ADA)

    home = app(finished)

    assert "B of sums → sums, version 2 in production" in home.words
    assert home.at.get("progress")[-1].text == "of $40.00"
    assert any("live calls count, and all stop when it is spent" in caption.value for caption in home.at.caption)
    assert home_view(finished).decisions[0].still_live
