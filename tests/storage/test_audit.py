import threading

import pytest
from sqlalchemy import text

from storage.store import Store


def _write(store: Store, count: int) -> None:
    for i in range(count):
        with store.begin() as tx:
            tx.audit.append("ada", "did", f"thing:{i}", {"i": i, "share": i / 7, "name": "Ünï"})


def test_an_untouched_chain_verifies(store: Store):
    _write(store, 5)
    with store.read() as tx:
        report = tx.audit.verify()
    assert (report.events, report.broken_at) == (5, None)


def test_an_empty_log_verifies(store: Store):
    with store.read() as tx:
        assert tx.audit.verify().broken_at is None


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_event SET actor = 'eve' WHERE sequence = 3",
        "UPDATE audit_event SET action = 'x' WHERE sequence = 3",
        "UPDATE audit_event SET subject = 'x' WHERE sequence = 3",
        "UPDATE audit_event SET details = '{}' WHERE sequence = 3",
        "UPDATE audit_event SET at = '2020-01-01 00:00:00+00:00' WHERE sequence = 3",
        "UPDATE audit_event SET previous_hash = hash || 'x' WHERE sequence = 3",
        "UPDATE audit_event SET hash = 'x' WHERE sequence = 3",
        "UPDATE audit_event SET sequence = 9 WHERE sequence = 3",
        "DELETE FROM audit_event WHERE sequence = 3",
    ],
)
def test_any_edit_or_removal_is_found(store: Store, change: str):
    _write(store, 5)
    with store.begin() as tx:
        tx.session.execute(text(change))
    with store.read() as tx:
        assert tx.audit.verify().broken_at is not None


def test_events_of_many_threads_form_one_chain(store: Store):
    threads = [threading.Thread(target=_write, args=(store, 10)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as tx:
        report = tx.audit.verify()
    assert (report.events, report.broken_at) == (40, None)


def test_the_event_goes_with_its_transaction(store: Store):
    with pytest.raises(ZeroDivisionError):
        _fail_after(store, lambda tx: tx.audit.append("ada", "did", "thing"))
    with store.read() as tx:
        assert tx.audit.verify().events == 0


def _fail_after(store: Store, work) -> None:
    with store.begin() as tx:
        work(tx)
        raise ZeroDivisionError
