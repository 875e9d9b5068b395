import gzip
import json
from datetime import timedelta

import pytest
from sqlalchemy import inspect

from experiments.actions.results.open_results import open_results
from experiments.actions.runs.control_run import resume_run
from experiments.actions.runs.start_run import start_run
from experiments.actions.trying.try_prompts import try_prompts
from experiments.errors import BakeoffError, Conflict
from experiments.live.events import ShadowAsk
from experiments.prompts.content import text_prompt
from experiments.vocabulary import RunState
from storage import schema
from storage.backup import RESTORED, backup, restore
from storage.engine import open_engine
from storage.store import Store
from tests.builders import ADA, made, run_to_end, work
from tests.live_builders import KEY, live_spec, record, started


@pytest.fixture
def elsewhere(tmp_path):
    opened = Store(open_engine(f"sqlite:///{tmp_path}/restored.db"))
    yield opened
    opened.close()


def test_a_backup_restores_every_row_and_the_audit_chain(store: Store, elsewhere: Store, tmp_path):
    made(store, rows=6)
    run_to_end(store)
    written = backup(store, tmp_path / "b.gz")
    read = restore(elsewhere, tmp_path / "b.gz")
    assert read == written
    again = backup(elsewhere, tmp_path / "c.gz")
    assert again.audit_head == written.audit_head
    assert _lines(tmp_path / "b.gz") == _lines(tmp_path / "c.gz")


def test_what_costs_money_waits_for_a_person_after_a_restore(store: Store, elsewhere: Store, tmp_path):
    made(store, rows=6)
    start_run(store, "sums", actor=ADA)
    try_prompts(store, {"A": text_prompt("Add {{question}}", model="openai/some")}, {"question": "1+1"}, actor=ADA)
    started(store, live_spec(enrol=0, shadow={"share": 100, "budget_usd": 1}))
    hello = ({"role": "user", "content": "Hi"},)
    record(store, [ShadowAsk("s1", store.clock(), KEY, 1, "B", "u1", "c1", hello, {"ticket": "a lamp"})])
    with store.read() as tx:
        assert tx.live_work.shadows_waiting(limit=2)
    backup(store, tmp_path / "b.gz")

    report = restore(elsewhere, tmp_path / "b.gz")

    with elsewhere.read() as tx:
        [run] = tx.runs.newest_by_experiment().values()
        assert tx.runs.claimable(tx.clock() + timedelta(days=1)) == []
        assert tx.previews.queued() == []
        assert tx.live_work.shadows_waiting(limit=2) == []
    assert (report.paused, run.state, run.state_reason) == (1, RunState.PAUSED, RESTORED)
    assert ": " not in RESTORED  # pages and terminal take what stands before it for the kind of a stop
    work(elsewhere, resume_run(elsewhere, "sums", actor=ADA))
    with elsewhere.read() as tx:
        assert tx.runs.get(run.id).state == RunState.FINISHED


@pytest.mark.postgres
def test_a_backup_of_sqlite_restores_into_postgresql(sqlite_store: Store, postgres, tmp_path):
    made(sqlite_store, rows=6)
    run_to_end(sqlite_store)
    kept = _evidence(sqlite_store)
    backup(sqlite_store, tmp_path / "b.gz")
    target = Store(open_engine(postgres.empty_database()))
    restore(target, tmp_path / "b.gz")
    backup(target, tmp_path / "c.gz")
    restored = _evidence(target)
    target.close()
    assert restored == kept
    # PostgreSQL keeps the keys of a JSON object in an order of its own.
    before, after = ([json.loads(line) for line in _lines(tmp_path / name)] for name in ("b.gz", "c.gz"))
    assert before == after


def test_a_full_database_is_not_overwritten(sqlite_store: Store, tmp_path):
    made(sqlite_store, rows=2)
    backup(sqlite_store, tmp_path / "b.gz")
    with pytest.raises(Conflict) as error:
        restore(sqlite_store, tmp_path / "b.gz")
    assert error.value.code == "not_empty"


def test_a_cut_backup_restores_nothing(sqlite_store: Store, elsewhere: Store, tmp_path):
    made(sqlite_store, rows=2)
    backup(sqlite_store, tmp_path / "b.gz")
    lines = _lines(tmp_path / "b.gz")
    with gzip.open(tmp_path / "cut.gz", "wt") as file:
        file.writelines(lines[:-3])
    with pytest.raises(BakeoffError) as error:
        restore(elsewhere, tmp_path / "cut.gz")
    assert error.value.code == "broken_backup"
    assert inspect(elsewhere.engine).get_table_names() == []


def test_another_file_is_no_backup(elsewhere: Store, tmp_path):
    (tmp_path / "x.gz").write_text("hello")
    with pytest.raises(BakeoffError) as error:
        restore(elsewhere, tmp_path / "x.gz")
    assert error.value.code == "not_a_backup"


def test_an_existing_file_is_not_overwritten(sqlite_store: Store, tmp_path):
    (tmp_path / "b.gz").write_text("mine")
    with pytest.raises(Conflict):
        backup(sqlite_store, tmp_path / "b.gz")
    assert (tmp_path / "b.gz").read_text() == "mine"


def test_a_restored_database_has_the_same_evidence_and_an_unbroken_chain(store: Store, elsewhere: Store, tmp_path):
    made(store, rows=6)
    run_to_end(store)
    kept = _evidence(store)
    backup(store, tmp_path / "b.gz")
    restore(elsewhere, tmp_path / "b.gz")
    assert _evidence(elsewhere) == kept
    with elsewhere.begin() as tx:
        tx.audit.append("ada", "did", "thing")
    assert elsewhere.verify_audit().broken_at is None


NEWER_THAN_0004 = {
    *("voided_at", "voided_by", "void_reason", "cached_prompt_tokens", "reasoning_tokens"),
    "cached_input_per_million",
}


def _as_written_by_0004(source, target):
    """The backup as the program of that schema would have written it, from before its tables and columns grew."""
    header, *rows, _ = (json.loads(line) for line in _lines(source))
    older = [
        {**line, "row": {name: value for name, value in line["row"].items() if name not in NEWER_THAN_0004}}
        for line in rows
        if line["table"] != "live_spend"
    ]
    with gzip.open(target, "wt") as file:
        for line in ({**header, "schema": "0004"}, *older, {"end": len(older)}):
            file.write(json.dumps(line) + "\n")
    return older


def test_the_backup_of_an_older_program_is_restored_and_upgraded(store: Store, database_url, tmp_path, request):
    made(store, rows=6)
    run_to_end(store)
    kept = _evidence(store)
    backup(store, tmp_path / "b.gz")
    older = _as_written_by_0004(tmp_path / "b.gz", tmp_path / "older.gz")
    assert older
    new = f"sqlite:///{tmp_path}/new.db"
    target = Store(
        open_engine(request.getfixturevalue("postgres").empty_database() if "psycopg" in database_url else new)
    )
    restore(target, tmp_path / "older.gz")
    restored, differences = _evidence(target), schema.check(target.engine)
    target.close()
    assert restored == kept
    assert differences == []


def test_an_older_backup_is_not_mixed_into_newer_tables(sqlite_store: Store, elsewhere: Store, tmp_path):
    made(sqlite_store, rows=2)
    backup(sqlite_store, tmp_path / "b.gz")
    _as_written_by_0004(tmp_path / "b.gz", tmp_path / "older.gz")
    schema.upgrade(elsewhere.engine)
    with pytest.raises(Conflict) as error:
        restore(elsewhere, tmp_path / "older.gz")
    assert error.value.code == "not_empty"
    assert schema.check(elsewhere.engine) == []


def test_the_backup_of_a_newer_program_is_refused(sqlite_store: Store, elsewhere: Store, tmp_path):
    backup(sqlite_store, tmp_path / "b.gz")
    header, *rest = _lines(tmp_path / "b.gz")
    with gzip.open(tmp_path / "newer.gz", "wt") as file:
        file.writelines([json.dumps({**json.loads(header), "schema": "9999"}) + "\n", *rest])
    with pytest.raises(BakeoffError) as error:
        restore(elsewhere, tmp_path / "newer.gz")
    assert error.value.code == "newer_schema"


def _evidence(store: Store):
    """What must survive a move to another database: results, hashes, and the head of an unbroken log."""
    results = open_results(store, "sums", actor=ADA)
    report = store.verify_audit()
    with store.read() as tx:
        hashes = [version.content_hash for prompt in tx.prompts.all() for version in tx.prompts.versions(prompt.id)]
    assert report.broken_at is None
    return results, report.head, report.events, hashes


def _lines(path):
    with gzip.open(path, "rt") as file:
        return file.readlines()
