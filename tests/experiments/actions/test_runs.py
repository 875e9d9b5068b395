"""Runs: what is planned is done once, guards stop in time, and the books agree with what was answered."""

import asyncio
from datetime import timedelta

import pytest

from experiments.actions.installation.change_settings import set_monthly_budget, set_price
from experiments.actions.results.open_results import open_results
from experiments.actions.results.rescore import rescore
from experiments.actions.runs.control_run import cancel_run, pause_run, resume_run, retry_failed
from experiments.actions.runs.start_run import start_run
from experiments.actions.runs.work import Worker
from experiments.actions.trying.answer_preview import answer_preview
from experiments.actions.trying.try_prompts import try_prompts
from experiments.completions import CompletionSettings, open_completions
from experiments.errors import BakeoffError, Conflict
from experiments.experiment_file import Limits
from experiments.loading.runs.budget import month_start
from experiments.prompts.content import text_prompt
from experiments.views.results.answers import answer_pairs, row_answers
from experiments.views.results.exports import export_rows
from experiments.views.runs.progress import run_progress
from experiments.vocabulary import RunState
from storage.ledger import Grant, Ledger
from storage.store import Store
from tests.builders import ADA, made, run_to_end, spec_of, work
from tests.fake_provider import FakeProvider


def _lines(store: Store, what: str, name: str = "sums") -> list[dict]:
    return [dict(row) for row in export_rows(store, name, what)[1]]


def _fake(name: str = "sums", prompts: tuple[str, str] = ("{{question}}", "Please: {{question}}"), **changes):
    variants = [{"name": n, "prompt": p, "model": "openai/fake-small"} for n, p in zip("AB", prompts, strict=True)]
    return spec_of(name, variants=variants, **changes)


def _environ(provider: FakeProvider) -> dict[str, str]:
    return {"OPENAI_API_BASE": provider.base_url, "OPENAI_API_KEY": "sk-test"}


def _dear(name: str = "sums", **changes):
    """An experiment whose 40 rows cost about a cent."""
    variants = [
        {"name": n, "prompt": p, "model": "demo/large", "parameters": {"max_tokens": 40}}
        for n, p in (("A", "{{question}}"), ("B", "Please: {{question}}"))
    ]
    return spec_of(name, variants=variants, **changes)


def test_every_variant_row_and_repetition_is_answered_once(store: Store):
    made(store, spec_of(repeats=2), rows=7)
    run = run_to_end(store)
    outputs, attempts = _lines(store, "outputs"), _lines(store, "attempts")
    keys = {(o["variant"], o["example_id"], o["repetition"]) for o in outputs}
    assert run.state == RunState.FINISHED
    assert len(outputs) == len(keys) == len(attempts) == 2 * 7 * 2
    assert {a["state"] for a in attempts} == {"done"}


def test_money_in_the_run_equals_the_sum_of_its_attempts(store: Store):
    made(store, rows=10)
    run = run_to_end(store)
    spent = sum(a["cost_usd"] for a in _lines(store, "attempts"))
    assert run.spent_usd == pytest.approx(spent)
    assert run.spent_usd > 0
    assert run.reserved_usd == pytest.approx(0, abs=1e-12)


def test_variants_of_one_row_are_sent_back_to_back(store: Store):
    made(store, rows=6)
    run_to_end(store, limits=Limits(concurrency=1))
    order = [a["example_id"] for a in _lines(store, "attempts")]
    assert order == [f"q{i}" for i in range(6) for _ in "AB"]


def test_no_variant_is_always_asked_first(store: Store):
    made(store, rows=30)
    run_to_end(store, limits=Limits(concurrency=1))
    first = [a["variant"] for a in _lines(store, "attempts")][::2]
    assert 5 < first.count("A") < 25


def test_the_same_experiment_under_another_name_is_answered_from_the_cache(store: Store):
    made(store, rows=5)
    run_to_end(store)
    made(store, spec_of("again"), rows=5)
    run = run_to_end(store, "again")
    assert run.spent_usd == 0
    assert all(o["cached"] for o in _lines(store, "outputs", "again"))
    assert _lines(store, "attempts", "again") == []


def test_without_cache_the_same_request_is_paid_for_again(store: Store):
    made(store, rows=3)
    run_to_end(store)
    made(store, spec_of("again"), rows=3)
    run = run_to_end(store, "again", limits=Limits(cache=False))
    assert run.spent_usd > 0


def test_repetitions_never_share_a_cached_answer(store: Store):
    made(store, spec_of(repeats=3), rows=4)
    run_to_end(store)
    assert len({a["request_hash"] for a in _lines(store, "attempts")}) == 4 * 2 * 3


def test_the_budget_stops_before_the_call_that_could_exceed_it(store: Store):
    made(store, _dear(), rows=40)
    run = run_to_end(store, limits=Limits(budget_usd=0.004, concurrency=4))
    progress = run_progress(store, run.experiment_id)
    assert run.state == RunState.STOPPED
    assert run.state_reason.startswith("budget")
    assert 10 < progress.done < 80
    assert 0.003 < run.spent_usd < 0.0045


def test_a_run_stopped_by_its_budget_goes_on_with_a_higher_one(store: Store):
    made(store, _dear(), rows=20)
    first = run_to_end(store, limits=Limits(budget_usd=0.002, concurrency=4))
    second = run_to_end(store, limits=Limits(budget_usd=5, concurrency=4))
    assert (first.state, second.state) == (RunState.STOPPED, RunState.FINISHED)
    assert first.id == second.id
    assert len(_lines(store, "outputs")) == 40


def test_a_budget_cannot_be_set_over_a_model_without_a_price(store: Store):
    made(store, _fake(), rows=2)
    with pytest.raises(BakeoffError) as error:
        start_run(store, "sums", actor=ADA, limits=Limits(budget_usd=1))
    assert error.value.code == "no_price"


PRICED = {"openai/fake-small": {"input_per_million": 1, "output_per_million": 10}}


def test_the_months_budget_stops_every_run_and_is_new_each_month(store: Store, clock):
    set_monthly_budget(store, 0.006, actor=ADA)
    with FakeProvider() as provider:
        made(store, _fake(prices=PRICED), rows=40)
        first = run_to_end(store, environ=_environ(provider), limits=Limits(concurrency=4))
        made(store, _fake("second", prices=PRICED, repeats=2), rows=40)
        second = run_to_end(store, "second", environ=_environ(provider), limits=Limits(concurrency=4, cache=False))
        this_month = first.spent_usd + second.spent_usd
        clock.advance(days=31)
        later = run_to_end(store, environ=_environ(provider), limits=Limits(concurrency=4))
    assert (first.state, second.state) == (RunState.STOPPED, RunState.STOPPED)
    assert 0.0005 < this_month < 0.0065
    assert 0.0005 < later.spent_usd - first.spent_usd < 0.0065


def test_simulated_calls_cost_the_month_nothing(store: Store):
    made(store, rows=5)
    run = run_to_end(store)
    with store.read() as tx:
        assert tx.installation.spent_since(month_start(store.clock())) == 0
    assert run.spent_usd > 0


def test_a_try_is_answered_once_and_booked(store: Store):
    with FakeProvider() as provider:
        content = text_prompt("Hi {{x}}", model="openai/fake-small")
        set_price(store, "openai/fake-small", input_per_million=1, output_per_million=10, actor=ADA)
        batch = try_prompts(store, {"A": content}, {"x": "you"}, actor=ADA)
        _answer_tries(store, _environ(provider))
        _answer_tries(store, _environ(provider))
        asked = provider.books.received
    with store.read() as tx:
        [tried] = tx.previews.batch(batch)
        spent = tx.installation.spent_since(month_start(store.clock()))
    assert (asked, tried.state, tried.cost_status) == (1, "done", "known")
    assert spent == pytest.approx(tried.cost_usd)
    assert spent > 0


def test_a_try_is_refused_when_the_month_is_spent(store: Store):
    set_monthly_budget(store, 0, actor=ADA)
    batch = try_prompts(store, {"A": text_prompt("Hi", model="demo/small")}, {}, actor=ADA)
    _answer_tries(store)
    with store.read() as tx:
        [tried] = tx.previews.batch(batch)
    assert (tried.state, tried.answer["kind"], tried.cost_usd) == ("failed", "budget", 0)


def _answer_tries(store: Store, environ: dict[str, str] | None = None) -> None:
    async def go() -> None:
        settings = CompletionSettings.from_env({"BAKEOFF_DEMO_TIME_SCALE": "0", **(environ or {})})
        completions = open_completions(settings, environ=environ or {})
        with store.read() as tx:
            waiting = tx.previews.queued()
        for preview in waiting:
            await answer_preview(store, completions, preview, worker="w")
        await completions.aclose()

    asyncio.run(go())


def test_an_empty_cell_of_a_variable_stops_before_anything_is_sent(store: Store):
    from experiments.actions.datasets.import_dataset import import_dataset
    from experiments.actions.runs.create_experiment import create_experiment

    content = b'{"question": "a", "answer": "1"}\n{"question": null, "answer": "2"}\n'
    done = import_dataset(store, content, filename="q.jsonl", name="questions", actor=ADA)
    create_experiment(store, spec_of(unit=None), dataset_version_id=done.version.id, actor=ADA)
    with pytest.raises(BakeoffError) as error:
        start_run(store, "sums", actor=ADA)
    assert error.value.code == "missing_values"
    assert "rows 2" in error.value.message


def test_a_first_part_can_be_run_and_extended(store: Store):
    made(store, rows=20)
    part = run_to_end(store, rows=5)
    whole = run_to_end(store)
    assert (part.planned_trials, whole.planned_trials) == (10, 40)
    assert len(_lines(store, "outputs")) == 40


def test_a_finished_run_is_not_started_again(store: Store):
    made(store, rows=3)
    run_to_end(store)
    with pytest.raises(Conflict) as error:
        start_run(store, "sums", actor=ADA)
    assert error.value.code == "finished"


def test_a_paused_run_takes_no_call_and_resumes_where_it_was(store: Store):
    made(store, rows=6)
    run = start_run(store, "sums", actor=ADA)
    pause_run(store, "sums", actor=ADA, reason="lunch")
    with store.read() as tx:
        assert tx.runs.claimable(store.clock()) == []
    resume_run(store, "sums", actor=ADA)
    work(store, run)
    assert len(_lines(store, "outputs")) == 12


def test_a_cancelled_run_cannot_be_resumed(store: Store):
    made(store, rows=3)
    start_run(store, "sums", actor=ADA)
    cancel_run(store, "sums", actor=ADA)
    with pytest.raises(Conflict) as error:
        resume_run(store, "sums", actor=ADA)
    assert error.value.code == "wrong_state"


def test_a_paused_run_grants_no_further_call(store: Store):
    made(store, rows=3)
    run = start_run(store, "sums", actor=ADA)

    async def ask() -> Grant:
        ledger = Ledger(store, "me")
        with store.begin() as tx:
            from datetime import timedelta

            tx.runs.claim(run.id, owner="me", now=store.clock(), lease=timedelta(minutes=1))
            tx.runs.move(run.id, to=RunState.PAUSED, expected={RunState.RUNNING})
        grant = await ledger.start_attempt({"run_id": run.id, "estimated_cost_usd": 0.1}, budget_usd=None)
        await ledger.close()
        return grant

    assert asyncio.run(ask()) is Grant.NOT_RUNNING


def test_failures_are_kept_by_kind_and_only_they_are_retried(store: Store):
    with FakeProvider() as provider:
        made(store, _fake(prompts=("{{question}}", "[[fault:500*2]] {{question}}")), rows=3)
        run = run_to_end(store, environ=_environ(provider), limits=Limits(attempts=1))
        before = run_progress(store, run.experiment_id)
        _, count = retry_failed(store, "sums", actor=ADA)
        for _ in range(3):
            work(store, run, _environ(provider))
            now = run_progress(store, run.experiment_id)
            if now.failed == 0:
                break
            retry_failed(store, "sums", actor=ADA)
    assert before.failures() == {"server_error": 3}
    assert count == 3
    assert (now.ok, now.failed) == (6, 0)
    assert [a["state"] for a in _lines(store, "attempts")].count("failed") >= 3


def test_a_rate_limit_costs_time_but_no_item(store: Store):
    with FakeProvider() as provider:
        made(store, _fake(prompts=("{{question}}", "[[fault:429*2]] {{question}}")), rows=2)
        run = run_to_end(store, environ=_environ(provider), limits=Limits(attempts=1))
        progress = run_progress(store, run.experiment_id)
    assert (progress.ok, progress.failed) == (4, 0)


def test_a_wrong_key_stops_the_run_within_its_width_and_burns_nothing(store: Store):
    with FakeProvider() as provider:
        made(store, _fake(prompts=("[[fault:401]] {{question}}", "[[fault:401]] x {{question}}")), rows=30)
        run = run_to_end(store, environ=_environ(provider), limits=Limits(concurrency=4))
        asked = provider.books.received
    progress = run_progress(store, run.experiment_id)
    assert run.state == RunState.STOPPED
    assert run.state_reason.startswith("auth")
    assert asked <= 5
    assert progress.done == 0


def test_a_call_that_was_out_when_its_process_died_counts_with_its_estimate(store: Store):
    made(store, rows=3)
    run = start_run(store, "sums", actor=ADA)
    _orphan(store, run.id)
    work(store, run)
    states = [(a["state"], a["cost_status"], a["cost_usd"]) for a in _lines(store, "attempts")]
    assert states[0] == ("unknown", "estimated", 0.25)
    with store.read() as tx:
        assert tx.runs.get(run.id).spent_usd >= 0.25
    assert len(_lines(store, "outputs")) == 6


def _orphan(store: Store, run_id: str) -> None:
    """An attempt as a killed worker leaves it."""
    from sqlalchemy import insert

    from experiments.vocabulary import new_id
    from storage import tables

    with store.begin() as tx:
        run = tx.runs.get(run_id)
        experiment = tx.experiments.get(run.experiment_id)
        variant = tx.experiments.variants(run.experiment_id)[0]
        example = tx.datasets.examples(experiment.dataset_version_id)[0]
        row = {
            "id": new_id(),
            "run_id": run_id,
            "variant_id": variant.id,
            "example_id": example.id,
            "repetition": 0,
            "purpose": "generate",
            "number": 1,
            "state": "sending",
            "model": "demo/small",
            "request_hash": "",
            "worker": "gone",
            "estimated_cost_usd": 0.25,
            "cost_status": "unknown",
            "started_at": tx.clock(),
        }
        tx.session.execute(insert(tables.Attempt), [row])


def test_rescoring_adds_scores_and_calls_no_model(store: Store):
    made(store, rows=4)
    run_to_end(store)
    before = len(_lines(store, "attempts"))
    counts = rescore(store, "sums", actor=ADA, scorers=[{"length": {"max_words": 5, "name": "short"}}])
    assert counts == {"short": 8}
    assert len(_lines(store, "attempts")) == before
    assert rescore(store, "sums", actor=ADA, scorers=[{"length": {"max_words": 5, "name": "short"}}]) == {"short": 0}


def test_a_metric_of_the_locked_plan_keeps_its_definition(store: Store):
    made(store, rows=3)
    run_to_end(store)
    with pytest.raises(Conflict) as error:
        rescore(store, "sums", actor=ADA, scorers=[{"contains": {"text": "x", "name": "has_key"}}])
    assert error.value.code == "plan_locked"


def test_results_are_the_same_bytes_until_the_evidence_changes(store: Store):
    made(store, rows=40)
    run_to_end(store)
    first = open_results(store, "sums", actor=ADA)
    second = open_results(store, "sums", actor=ADA)
    assert first == second
    rescore(store, "sums", actor=ADA, scorers=[{"length": {"max_words": 5, "name": "short"}}])
    third = open_results(store, "sums", actor=ADA)
    assert third["analysis"]["number"] == first["analysis"]["number"] + 1
    assert third["verdict"] == first["verdict"]


def test_both_databases_give_the_same_verdict(store: Store):
    made(store, rows=40)
    run_to_end(store)
    results = open_results(store, "sums", actor=ADA)
    [primary] = [c for c in results["comparisons"] if c["metric"] == "has_key" and c["slice"] is None]
    assert results["verdict"]["outcome"] == "ship"
    assert (primary["n_units"], primary["better"]) == (40, "treatment")
    assert results["simulated"] is True
    assert results["counts"]["planned"] == results["counts"]["ok"] == 80


def test_looking_is_logged_once_per_person_and_evidence(store: Store):
    made(store, rows=40)
    run_to_end(store)
    for _ in range(3):
        open_results(store, "sums", actor=ADA)
    assert open_results(store, "sums", actor=ADA)["analysis"]["looks"] == 1


def test_evidence_that_grew_after_a_look_is_read_sequentially(store: Store):
    made(store, rows=80)
    run_to_end(store, rows=40)
    early = open_results(store, "sums", actor=ADA)
    run_to_end(store)
    late = open_results(store, "sums", actor=ADA)
    assert (early["sequential"], late["sequential"]) == (False, True)


def test_answers_can_be_read_by_who_won(store: Store):
    made(store, rows=10)
    run_to_end(store)
    page = answer_pairs(store, "sums", treatment="B", metric="has_key", which="treatment")
    assert page.counts["all"] == 10
    assert len(page.rows) == page.counts["treatment"] > 0
    assert all(row.gap > 0 for row in page.rows)


def test_answers_can_be_read_within_a_slice(store: Store):
    made(store, spec_of(slices=["kind"]), rows=10)
    run_to_end(store)
    page = answer_pairs(store, "sums", treatment="B", metric="has_key", slice_column="kind", slice_value="odd")
    assert page.counts["all"] == 5
    assert {row.cells["kind"] for row in page.rows} == {"odd"}


def test_a_row_shows_every_answer_with_its_scores(store: Store):
    made(store, spec_of(repeats=2), rows=3)
    run_to_end(store)
    row = row_answers(store, "sums", number=2)
    assert [(a.repetition, a.ok) for a in row.answers] == [(0, True), (1, True)] * 2
    assert set(row.answers[0].scores) == {"has_key", "numeric_answer"}
    assert row.reference == "5"


def test_an_exported_output_holds_what_was_sent(store: Store):
    made(store, rows=2)
    run_to_end(store)
    first = _lines(store, "outputs")[0]
    assert first["messages"] == [{"role": "user", "content": "How much is 0 plus 3?"}]
    assert first["variables"] == {"question": "How much is 0 plus 3?"}
    assert (first["reference"], first["example_id"], first["status"]) == ("3", "q0", "ok")


def test_the_exported_analysis_table_leads_to_the_same_numbers(store: Store, tmp_path):
    from experiments.exports import write_csv
    from experiments.results.table_analysis import analyse_table

    made(store, rows=40)
    run_to_end(store)
    columns, rows = export_rows(store, "sums", "analysis")
    with (tmp_path / "t.csv").open("w", newline="") as file:
        write_csv(rows, columns, file)
    plan = "control: A\nplan: {primary: {metric: has_key, smallest_effect: 0.05}}\nmetrics: {has_key: {kind: binary}}\n"
    again = analyse_table((tmp_path / "t.csv").read_bytes(), filename="t.csv", plan_text=plan, plan_name="plan.yaml")
    results = open_results(store, "sums", actor=ADA)
    kept = ("estimate", "lower", "upper", "p_value", "method", "n_units")
    primary = next(c for c in results["comparisons"] if c["metric"] == "has_key")
    assert {k: again["comparisons"][0][k] for k in kept} == {k: primary[k] for k in kept}


def test_the_limit_that_stopped_a_run_is_named(store: Store):
    experiment = made(store, _dear(limits={"budget_usd": 5}), rows=40)
    set_monthly_budget(store, 0.0005, actor=ADA)
    run_to_end(store)
    assert run_progress(store, experiment.id).reason == "monthly_budget: the next call could exceed the monthly budget"


def test_failed_rows_are_tried_again_with_the_next_start(sqlite_store: Store):
    experiment = made(sqlite_store, _fake(prompts=("{{question}}", "{{question}} [[fault:500*1]]")), rows=4)
    with FakeProvider() as provider:
        run_to_end(sqlite_store, environ=_environ(provider), limits=Limits(attempts=1))
        assert run_progress(sqlite_store, experiment.id).failed == 4
        run_to_end(sqlite_store, environ=_environ(provider), retry_failed=True)
    progress = run_progress(sqlite_store, experiment.id)
    assert (progress.state, progress.failed, progress.ok) == (RunState.FINISHED, 0, 8)
    assert len(_lines(sqlite_store, "attempts")) == 12


def test_a_start_that_is_refused_takes_no_failed_row_back(sqlite_store: Store):
    experiment = made(sqlite_store, _fake(prompts=("{{question}}", "{{question}} [[fault:500*1]]")), rows=4)
    with FakeProvider() as provider:
        run_to_end(sqlite_store, environ=_environ(provider), limits=Limits(attempts=1))
    with pytest.raises(BakeoffError):
        start_run(sqlite_store, "sums", actor=ADA, limits=Limits(budget_usd=1), retry_failed=True)
    assert run_progress(sqlite_store, experiment.id).failed == 4


def test_a_heartbeat_that_meets_the_end_of_a_run_leaves_its_lease_free(store: Store):
    """The lease went back while the heartbeat waited to write; it took it again, and nobody could for a minute."""
    made(store, spec_of(), rows=2)
    run = start_run(store, "sums", actor=ADA)
    worker = Worker(store, None)
    assert worker.claim(run.id) is not None

    class Ending:
        def reckon_budget(self, _tx):
            worker._active.pop(run.id)

    worker._active[run.id] = Ending()
    worker._renew()

    with store.begin() as tx:
        assert tx.runs.claim(run.id, owner="somebody else", now=store.clock(), lease=timedelta(seconds=60))
