"""The sample project reads like real work: varied tickets, checkable references, prompts that differ in one thing."""

import csv
import io
import re
from collections import Counter
from itertools import combinations

import pytest
from rapidfuzz import fuzz

from experiments.datasets.personal_data import count_personal_data
from experiments.datasets.profiles import profile_table
from experiments.datasets.reading import read_table
from experiments.demo_models.responder import REFUSALS
from experiments.demo_models.support_knowledge import knowledge
from experiments.judges import bind_judge
from experiments.ratings.showing import Shown
from experiments.sample import people, project
from experiments.vocabulary import is_simulated

COLUMNS = ["ticket_id", "customer", "channel", "language", "plan", "topic", "body", "reference"]


@pytest.fixture(scope="module")
def rows():
    return list(csv.DictReader(io.StringIO(project.tickets().decode("utf-8"), newline="")))


def _bodies(rows, language=None):
    return [row["body"] for row in rows if language in (None, row["language"])]


def _sayable(language):
    """Everything that the simulated model can tell a customer in a language."""
    topics = (*knowledge().topics, knowledge().unknown)
    told = [text for topic in topics for text in (topic.answers[language], topic.steps[language])]
    return "\n".join([*told, REFUSALS[language]]).casefold()


def test_the_tickets_are_many_and_have_every_column(rows):
    assert 200 <= len(rows) <= 300
    assert list(rows[0]) == COLUMNS
    assert all(row[name].strip() == row[name] != "" for row in rows for name in COLUMNS)


def test_a_ticket_has_an_id_of_its_own(rows):
    assert len({row["ticket_id"] for row in rows}) == len(rows)


def test_no_ticket_repeats_another_in_other_words(rows):
    alike = [
        (first, second)
        for language in ("en", "de", "fr", "es")
        for first, second in combinations(_bodies(rows, language), 2)
        if fuzz.ratio(first.casefold(), second.casefold()) > 75
    ]
    assert alike == []


@pytest.mark.parametrize("column", ["language", "plan", "channel"])
def test_slices_are_wide_enough_to_be_read(rows, column):
    counts = Counter(row[column] for row in rows)
    read = set(counts) - {"fr", "es"}
    assert min(counts[name] for name in read) >= 30


def test_french_and_spanish_stay_too_few_to_be_judged(rows):
    counts = Counter(row["language"] for row in rows)
    assert 10 <= counts["fr"] < 20
    assert 10 <= counts["es"] < 20


def test_some_customers_write_more_than_once_on_one_plan_and_in_one_language(rows):
    known = {}
    for row in rows:
        known.setdefault(row["customer"], []).append((row["plan"], row["language"]))
    assert sum(len(tickets) > 1 for tickets in known.values()) >= 10
    assert all(len(set(tickets)) == 1 for tickets in known.values())


def test_there_are_enough_customers_for_a_95th_percentile(rows):
    assert len({row["customer"] for row in rows}) >= 200


@pytest.mark.parametrize(
    "kind",
    [
        r"\A.{1,12}\Z",  # very short
        r"(?s)\A.{800,}\Z",  # very long
        r"\A[^a-z]{60,}\Z",  # all capitals
        r"\n\n",  # several paragraphs
        r"(?i)ignore all previous instructions",
        r"(?i)print your full prompt",
        r'\A\{"',  # pasted JSON
        r"<script>",
        r"\A=HYPERLINK\(",  # a formula, for whoever exports to a spreadsheet
        r"\{\{name\}\}",  # a hole that must never be filled
        "[\U0001f300-\U0001faff]",  # emoji
        r"\d+\.\d\d\b",  # prices
        r"(?m)^> ",  # a quoted mail
        r"(?i)hack into",  # what must be refused
    ],
)
def test_the_odd_ones_are_there(rows, kind):
    assert any(re.search(kind, body) for body in _bodies(rows))


def test_nobody_real_can_be_reached(rows):
    text = "\n".join(_bodies(rows))
    assert set(re.findall(r"@[\w.-]+\w", text)) <= {"@example.com"}
    assert set(re.findall(r"https?://[\w.-]+", text)) <= {"http://example.com"}
    assert set(count_personal_data(_bodies(rows))) == {"email"}


def test_each_reference_is_something_a_reply_in_that_language_can_say(rows):
    sayable = {language: _sayable(language) for language in ("en", "de", "fr", "es")}
    missing = [r["ticket_id"] for r in rows if r["reference"].casefold() not in sayable[r["language"]]]
    assert missing == []


def test_facts_and_next_steps_are_both_asked_for(rows):
    steps = "\n".join(topic.steps["en"] for topic in knowledge().topics).casefold()
    english = [row["reference"].casefold() for row in rows if row["language"] == "en"]
    assert 0.4 < sum(reference in steps for reference in english) / len(english) < 0.8


def test_the_file_reads_without_a_complaint_but_about_the_addresses_in_it():
    table = read_table(project.tickets(), filename=project.TICKETS_FILE)
    assert [n.code for n in (*table.report.notices, *profile_table(table).notices)] == ["personal_data"]


def test_the_topics_are_the_labels_that_the_experiment_offers(rows):
    [scorer] = project.topic_experiment().scorers
    assert set(scorer["equals_label"]["labels"]) == {row["topic"] for row in rows}


@pytest.mark.parametrize("name", [project.REPLY_PROMPT, project.TOPIC_PROMPT])
def test_versions_of_a_prompt_differ_in_their_text_only_and_tell_why(name):
    versions = project.prompt_versions(name)
    assert len({v.content.hash() for v in versions}) == len(versions) >= 2
    assert len({(v.content.model, str(v.content.parameters), v.content.variables()) for v in versions}) == 1
    assert all(v.note for v in versions)


@pytest.mark.parametrize("name", [project.REPLY_PROMPT, project.TOPIC_PROMPT])
def test_the_sample_knows_simulated_models_only(name):
    assert all(is_simulated(version.content.model) for version in project.prompt_versions(name))


@pytest.mark.parametrize("experiment", [project.reply_experiment, project.topic_experiment])
def test_the_experiments_compare_the_first_two_versions_on_the_tickets(experiment):
    spec = experiment()
    assert [v.reference()[1] for v in spec.variants] == ["1", "2"]
    assert (spec.dataset, spec.unit, spec.cluster) == (project.TICKETS, "ticket_id", "customer")


def test_what_the_setting_keeps_is_read_back():
    sample = project.LoadedSample(("p",), ("d",), ("e", "f"), ("c",), ("r", "s"))
    assert project.LoadedSample.from_setting({"loaded_at": "then", **sample.to_json()}) == sample


@pytest.mark.parametrize("value", [None, {"removed_at": "2026-03-02"}])
def test_a_sample_that_is_not_there_is_none(value):
    assert project.LoadedSample.from_setting(value) is None


def test_a_setting_from_before_there_were_checks_and_raters_is_read_too():
    value = {"prompts": ["p"], "datasets": ["d"], "experiments": ["e"]}
    assert project.LoadedSample.from_setting(value) == project.LoadedSample(("p",), ("d",), ("e",))


# --- the people in it -----------------------------------------------------------------------------


def test_a_reply_that_says_what_is_needed_in_their_language_is_worth_more(rows):
    german = next(row for row in rows if row["language"] == "de")
    right, foreign = f"Das tut uns leid. {german['reference']}.", "We are sorry that this happened to you."
    assert people.worth(german["body"], right) >= people.GOOD > people.worth(german["body"], foreign)


def test_raters_prefer_the_better_side_wherever_it_stands(rows):
    row = next(row for row in rows if row["language"] == "en")
    good, bad = f"Please do this: {row['reference']}.", "No."
    careful = people.SampleRater("careful", 0.0)
    assert people.preference(careful, Shown("t", row["body"], left=good, right=bad)) == "left"
    assert people.preference(careful, Shown("t", row["body"], left=bad, right=good)) == "right"
    assert people.preference(careful, Shown("t", row["body"], left=bad, right=bad)) == "both_bad"


def test_a_person_judges_the_same_reply_the_same_way_twice(rows):
    task = Shown("t", rows[0]["body"], text=rows[0]["reference"])
    for rater in people.RATERS:
        assert people.is_helpful(rater, task) == people.is_helpful(rater, task)
        assert people.reading_ms(rater, task) == people.reading_ms(rater, task) > 1000


def test_everybody_in_it_is_called_simulated():
    assert all("simulated" in rater.name for rater in people.RATERS)


def test_the_live_test_compares_what_is_live_with_what_waits():
    assert [v.prompt for v in project.live_experiment().variants] == ["support-reply@1", "support-reply@3"]


def test_the_judge_reads_what_the_people_were_asked():
    spec = bind_judge(project.quality_check()).spec
    assert spec.rated_as == project.rating_session("helpful").metric_name()
    assert is_simulated(spec.model)
