"""Similarity of meaning on the books: two vectors an answer, each text paid for once, never generating anything."""

from __future__ import annotations

import pytest

from experiments.actions.datasets.import_dataset import import_dataset
from experiments.actions.runs.apply_judges import apply_judges
from experiments.actions.runs.control_run import resume_run
from experiments.actions.runs.create_experiment import create_experiment
from experiments.errors import BakeoffError
from experiments.judges import bind_judge
from experiments.scoring import bind_all, is_judge
from experiments.views.results.exports import export_rows
from experiments.vocabulary import RunState
from storage.store import Store
from tests.builders import ADA, made, run_to_end, spec_of, work
from tests.fake_provider import FakeProvider

ROWS = "id,question,answer\nq1,one,cat dog\nq2,two,cat dog\nq3,three,sun\nq4,four,\n"
ANSWERS = {"one": "cat dog", "two": "cat", "three": "rain", "four": "sun"}
NEAR = {"semantic_similarity": {"model": "openai/fake-vectors", "name": "near"}}
PRICES = {
    "openai/fake-small": {"input_per_million": 1, "output_per_million": 2},
    "openai/fake-vectors": {"input_per_million": 1000, "output_per_million": 0},
}


def _answer(body: dict) -> str:
    asked = body["messages"][-1]["content"].split()[-1]
    return ANSWERS[asked] + (" bad bad bad" if "BAD" in body["messages"][-1]["content"] else "")


def _environ(provider: FakeProvider) -> dict[str, str]:
    return {"OPENAI_API_BASE": provider.base_url, "OPENAI_API_KEY": "sk-test", "BAKEOFF_ENGINE": "lean"}


def _made(store: Store, *, roles: dict | None = None, **changes: object) -> None:
    variants = [
        {"name": n, "prompt": p + " {{question}}", "model": "openai/fake-small"}
        for n, p in {"A": "BAD", "B": "ok"}.items()
    ]
    rules = [{"contains": {"text": "cat", "name": "has_key"}}]
    given = {"dataset": "words", "variants": variants, "scorers": [*rules, NEAR], "prices": PRICES, **changes}
    done = import_dataset(store, ROWS.encode(), filename="words.csv", name="words", actor=ADA, roles=roles)
    create_experiment(store, spec_of(**given), dataset_version_id=done.version.id, actor=ADA)


def _lines(store: Store, what: str) -> list[dict]:
    return [dict(row) for row in export_rows(store, "sums", what)[1]]


def _near(store: Store) -> dict[tuple[str, str], tuple[float | None, str]]:
    return {
        (s["variant"], s["example_id"]): (s["value"], s["reason"])
        for s in _lines(store, "scores")
        if s["metric"] == "near"
    }


def _asked(provider: FakeProvider) -> list[str]:
    return [body["input"][0] for body in provider.books.bodies if "input" in body]


def test_each_answer_gets_the_cosine_to_its_reference_and_each_text_is_paid_for_once(store: Store):
    with FakeProvider(responder=_answer) as provider:
        _made(store)
        run = run_to_end(store, environ=_environ(provider))
        asked = _asked(provider)
    assert run.state == RunState.FINISHED
    values = sorted((v, round(s, 3)) for (v, _), (s, _) in _near(store).items() if s is not None)
    # B: (1,1)·(1,1), (1,0)·(1,1), rain·sun; A adds three times "bad", which points away from nothing here
    assert [s for v, s in values if v == "B"] == pytest.approx([0.0, 0.707, 1.0])
    assert [s for v, s in values if v == "A"] == pytest.approx([0.0, 0.224, 0.426])
    assert sorted(reason for s, reason in _near(store).values() if s is None) == ["no reference"] * 2
    assert sorted(asked) == sorted({*asked})
    assert sorted(asked) == sorted(
        ["cat dog", "sun", "cat", "rain", "cat dog bad bad bad", "cat bad bad bad", "rain bad bad bad"]
    )


def test_vectors_cost_apart_from_the_variants_and_are_on_the_books(store: Store):
    with FakeProvider(responder=_answer) as provider:
        _made(store)
        run = run_to_end(store, environ=_environ(provider))
        asked = _asked(provider)
    attempts = [a for a in _lines(store, "attempts") if a["purpose"] == "judge"]
    costs = sum(1 + len(text) // 4 for text in asked) * 1000 / 1e6
    assert len(attempts) == len(asked)
    assert sum(a["cost_usd"] for a in attempts) == pytest.approx(costs)
    assert all(o["cost_usd"] < 0.0005 for o in _lines(store, "outputs"))
    assert run.spent_usd == pytest.approx(costs + sum(o["cost_usd"] for o in _lines(store, "outputs")))


def test_vectors_apply_to_finished_answers_without_generating_and_a_second_time_cost_nothing(store: Store):
    with FakeProvider(responder=_answer) as provider:
        _made(store, scorers=[{"contains": {"text": "cat", "name": "has_key"}}])
        run_to_end(store, environ=_environ(provider))
        generated = provider.books.received
        work(store, apply_judges(store, "sums", actor=ADA, judges=[NEAR]), _environ(provider))
        vectors = provider.books.received - generated
        first = _near(store)
        work(store, apply_judges(store, "sums", actor=ADA, judges=[NEAR]), _environ(provider))
        assert provider.books.received == generated + vectors
    assert vectors == 7
    assert len(_lines(store, "outputs")) == 8
    assert _near(store) == first


def test_a_run_that_its_budget_stopped_goes_on_without_paying_again(store: Store):
    with FakeProvider(responder=_answer) as provider:
        _made(store, limits={"concurrency": 1, "judge_budget_usd": 0.015})
        stopped = run_to_end(store, environ=_environ(provider))
        assert stopped.state == RunState.STOPPED
        before = _asked(provider)
        assert 0 < len(before) < 7
        with store.begin() as tx:
            tx.runs.change(stopped.id, limits={**stopped.limits, "judge_budget_usd": 5.0})
        work(store, resume_run(store, "sums", actor=ADA), _environ(provider))
        asked = _asked(provider)
    assert len(asked) == len({*asked}) == 7
    assert sum(s is not None for s, _ in _near(store).values()) == 6


def test_a_refused_vector_is_a_named_reason_and_is_asked_for_again(store: Store):
    with FakeProvider(responder=_answer) as provider:
        entry = {"semantic_similarity": {"model": "openai/fault-400-2", "name": "near"}}
        prices = {**PRICES, "openai/fault-400-2": PRICES["openai/fake-vectors"]}
        _made(store, scorers=[{"contains": {"text": "cat", "name": "has_key"}}, entry], prices=prices)
        run_to_end(store, environ=_environ(provider))
        reasons = {reason for s, reason in _near(store).values() if s is None}
    assert "the judge could not be asked: bad request" in reasons


def test_the_simulated_model_works_without_a_key(store: Store):
    entry = {"semantic_similarity": {"model": "demo/embedding"}}
    made(store, spec_of(scorers=[{"contains": {"text": '"answer"', "name": "has_key"}}, entry]), rows=4)
    run = run_to_end(store)
    scores = [s for s in _lines(store, "scores") if s["metric"] == "semantic_similarity"]
    assert run.state == RunState.FINISHED
    assert len(scores) == 8
    assert all(0 <= s["value"] <= 1 and s["reason"].startswith("cosine") for s in scores)


def test_without_a_reference_column_the_experiment_is_refused(store: Store):
    with pytest.raises(BakeoffError) as error:
        _made(store, reference=None, roles={"reference": None, "unit": "id", "cluster": None, "slices": []})
    assert error.value.code == "no_reference"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (None, "options by name"),
        ({}, "embedding 'model'"),
        ({"model": "a/b", "rubric": "x"}, "no option 'rubric'"),
        ({"model": "a/b", "against": "question"}, "against"),
        ({"model": "a/b", "name": "a/b"}, "plain name"),
    ],
)
def test_an_entry_that_cannot_be_meant_is_refused_in_words(options: dict | None, told: str):
    entry = "semantic_similarity" if options is None else {"semantic_similarity": options}
    assert is_judge(entry)
    with pytest.raises(BakeoffError) as error:
        bind_judge(entry)
    assert (error.value.code, told in str(error.value)) == ("bad_judge", True)


def test_its_name_is_taken_like_any_other_and_only_the_model_makes_its_version():
    with pytest.raises(BakeoffError, match="Two metrics are called 'near'"):
        bind_all([NEAR, {"contains": {"text": "x", "name": "near"}}])
    one, same, other = (
        bind_judge({"semantic_similarity": options})
        for options in ({"model": "a/b"}, {"model": "a/b", "name": "n"}, {"model": "a/c"})
    )
    assert one.fingerprint == same.fingerprint != other.fingerprint
