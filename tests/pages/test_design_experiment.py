"""Experiments: a plan that is incomplete cannot start, certainty has its price, and the start locks the plan."""

import pytest

from experiments.actions.datasets.import_dataset import import_dataset
from experiments.actions.registry.save_prompt import save_prompt
from experiments.prompts.content import text_prompt
from experiments.views.runs.experiments import experiment_names, get_experiment
from experiments.views.runs.progress import run_progress
from experiments.vocabulary import ExperimentState, RunState
from tests.builders import ADA

NEW = "New comparison"


@pytest.fixture
def plan(app, finished):
    """The form, filled in from the prompt that was worked on last."""
    return app(finished).go("design_experiment.py", view=NEW)


def _start(page):
    return next(button for button in page.at.button if button.key == "start")


def _named(page, name):
    page.at.text_input(key="plan_name").set_value(name)
    return page.run()


def test_without_a_test_set_the_form_asks_for_one(app, empty):
    page = app(empty).go("design_experiment.py")

    assert "First, a test set" in page.words
    assert page.at.page_link[-1].label == "Add a test set"


def test_a_complete_plan_shows_the_price_of_certainty(plan):
    assert "Calls 80" in plan.words
    assert "Stops at $5.00" in plan.words
    assert "To see a gain of +3.0 points in 80 of 100 such tests takes about" in plan.words
    assert "You have 40: it shows in" in plan.words
    assert "Simulated model" in plan.words
    assert not _start(plan).disabled


def test_a_larger_gain_needs_fewer_rows(plan):
    plan.at.number_input(key="plan_effect").set_value(40.0)

    assert "You have 40: enough." in plan.run().words


def test_a_variable_without_a_column_is_a_red_line_and_blocks_the_start(app, finished):
    save_prompt(finished, "sums", text_prompt("{{question}} for {{customer}}", model="demo/small"), actor=ADA)
    page = app(finished).go("design_experiment.py", view=NEW)

    assert "✗ {{customer}}" in page.words
    assert "No column gives it." in page.words
    assert ":red[**Still missing**]" in page.words
    assert "a column for {{customer}}" in page.words
    assert _start(page).disabled

    column = next(box for box in page.at.selectbox if str(box.key).endswith("_customer"))
    column.set_value("id")
    page.run()
    assert ":red[**Still missing**]" not in page.words
    assert not _start(page).disabled


def test_every_missing_thing_is_named(plan):
    plan.press("Remove")
    page = _named(plan, "")

    assert "a name" in page.words
    assert "at least one measure" in page.words
    assert _start(page).disabled


def test_the_measure_that_fits_the_test_set_stands_there_with_its_reason(app, finished):
    for name, rows in (
        ("labels", "id,question,answer\n1,Where is my parcel?,delivery\n2,I was charged twice,billing"),
        ("notes", "id,question\n1,Where is my parcel?\n2,I was charged twice"),
    ):
        import_dataset(finished, rows.encode(), filename=f"{name}.csv", name=name, actor=ADA)
    page = app(finished).go("design_experiment.py", view=NEW)
    page.at.selectbox(key="plan_set").set_value("questions")
    page.run()
    assert page.at.selectbox(key="plan_primary").value == "numeric_answer"
    assert "The expected answers are numbers" in page.words

    page.at.selectbox(key="plan_set").set_value("labels")
    page.run()
    assert page.at.selectbox(key="plan_primary").value == "exact_match"
    assert "The expected answers are single words" in page.words

    page.at.selectbox(key="plan_set").set_value("notes")
    page.run()
    assert page.at.selectbox(key="plan_primary").value == "refusal"
    assert "The test set has no expected answers" in page.words


def test_a_measure_somebody_chose_stays_whatever_the_test_set(app, finished):
    rows = b"id,question\n1,Where is my parcel?\n2,I was charged twice"
    import_dataset(finished, rows, filename="notes.csv", name="notes", actor=ADA)
    page = app(finished).go("design_experiment.py", view=NEW)
    page.at.selectbox(key="plan_set").set_value("questions")
    page.run()
    page.at.selectbox(key="plan_add_1").set_value("json_valid")
    page.run()
    page.at.selectbox(key="plan_set").set_value("notes")
    page.run()

    assert page.at.selectbox(key="plan_primary").options == ["numeric answer", "json valid"]
    assert "The test set has no expected answers" not in page.words


def test_the_start_keeps_the_plan_queues_the_run_and_locks_it(plan, finished):
    page = _named(plan, "shorter")
    page.at.text_input(key="plan_hypothesis").set_value("JSON costs nothing.")
    page.run().press("Start the test")

    view = get_experiment(finished, "shorter")
    progress = run_progress(finished, view.id)
    assert (view.state, view.hypothesis, view.spec.plan.primary.metric) == (
        ExperimentState.RUNNING,
        "JSON costs nothing.",
        "numeric_answer",
    )
    assert (progress.state, progress.planned) == (RunState.QUEUED, 80)
    assert page.at.title[0].value == "shorter"
    with finished.read() as tx:
        assert {"experiment_created", "run_started"} <= {event.action for event in tx.audit.newest(5)}


def test_a_name_that_is_taken_is_refused_and_the_old_plan_stays(plan, finished):
    before = get_experiment(finished, "sums").spec
    page = _named(plan, "sums").press("Start the test")

    assert len(page.errors) == 1
    assert "sums" in page.errors[0]
    assert get_experiment(finished, "sums").spec == before


def test_a_few_rows_can_be_asked_first(plan, finished):
    _named(plan, "piloted").press("Ask 5 rows first")

    view = get_experiment(finished, "piloted")
    pilot = run_progress(finished, view.id, kind="pilot")
    assert (view.state, pilot.planned) == (ExperimentState.DRAFT, 10)


def test_a_plan_as_a_file_creates_the_experiment_and_a_wrong_one_nothing(app, finished):
    page = app(finished).go("design_experiment.py", view="From a file")
    text = """
name: from-a-file
dataset: questions
variants:
  - {name: A, prompt: "{{question}}", model: demo/small}
  - {name: B, prompt: "Briefly. {{question}}", model: demo/small}
scorers: [numeric_answer]
plan: {primary: {metric: numeric_answer, smallest_effect: 0.05}}
"""
    page.at.text_area(key="plan_text").set_value(text.replace("variants:", "variant:"))
    page.run().press("Check and create")
    assert "line 4: unknown key 'variant'. Did you mean 'variants'?" in page.errors[0]
    assert "from-a-file" not in experiment_names(finished)

    page.at.text_area(key="plan_text").set_value(text)
    page.run().press("Check and create")
    assert get_experiment(finished, "from-a-file").state is ExperimentState.DRAFT


def test_all_experiments_are_listed_with_what_they_said(app, finished):
    page = app(finished).go("design_experiment.py")

    assert [link.label for link in page.at.page_link if link.label.startswith("**")] == ["**swapped**", "**sums**"]
    assert "▲ B is better. You can promote it." in page.words
    assert "▼ A is better. Keep A." in page.words


def test_answers_from_elsewhere_are_imported_with_what_is_said_of_their_columns(app, finished):
    page = app(finished).go("design_experiment.py", view="From a file")
    rows = [
        f"{n},{v},text {n},{int(v == 'new' or n % 3 > 0)},team {n % 9},{'de' if n % 2 else 'en'}"
        for n in range(36)
        for v in ("old", "new")
    ]
    content = "\n".join(["example_id,variant,output,score:right,team,language", *rows]).encode()
    page.at.file_uploader(key="answers_file").upload("answers.csv", content, "text/csv")
    page.run()
    for field, value in (("unit", "example_id"), ("cluster", "tem"), ("slices", "language")):
        page.at.text_input(key=f"answers_{field}").set_value(value)
    page.run().press("Import the answers")
    assert "tem" in page.errors[0]
    assert "team" in page.errors[0]
    assert "answers" not in experiment_names(finished)

    page.at.text_input(key="answers_cluster").set_value("team")
    page.run().press("Import the answers")
    spec = get_experiment(finished, "answers").spec
    assert (spec.unit, spec.cluster, spec.slices) == ("example_id", "team", ("language",))
