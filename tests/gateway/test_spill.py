"""The event log on disk: what was acknowledged is there, once, whatever broke."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from experiments.errors import BakeoffError
from gateway.delivery import SET_ASIDE, Deliverer
from gateway.spill import Spill, SpillFull, abandoned, open_spill

ROOT = Path(__file__).resolve().parent.parent.parent


def events_of(first: int, last: int) -> list[bytes]:
    return [json.dumps({"id": f"e{i}"}).encode() for i in range(first, last)]


def keep(spill: Spill, *groups: list[bytes]) -> None:
    async def go() -> None:
        await asyncio.gather(*(spill.append(group) for group in groups))

    asyncio.run(go())


@pytest.fixture
def spill(tmp_path: Path):
    opened = open_spill(tmp_path)
    yield opened
    opened.close()


def test_events_come_out_in_the_order_in_which_they_were_kept(spill: Spill):
    for i in range(5):
        keep(spill, events_of(i, i + 1))
    assert list(spill.read(3).events) == events_of(0, 3)
    assert spill.pending == 5


def test_a_batch_is_read_again_until_it_is_confirmed(spill: Spill):
    keep(spill, events_of(0, 4))
    batch = spill.read(3)
    assert spill.read(3) == batch
    spill.confirm(batch)
    assert list(spill.read(3).events) == events_of(3, 4)
    assert spill.pending == 1


def test_what_was_not_delivered_is_there_after_a_restart(tmp_path: Path):
    first = open_spill(tmp_path)
    keep(first, events_of(0, 10))
    first.confirm(first.read(4))
    first.close()
    again = open_spill(tmp_path)
    assert again.folder == first.folder
    assert again.pending == 6
    assert list(again.left_over()) == events_of(4, 10)
    keep(again, events_of(10, 11))
    assert list(again.left_over()) == events_of(4, 11)
    again.close()


@pytest.mark.parametrize("cut", [1, 5, 14])
def test_a_torn_end_loses_nothing_else(tmp_path: Path, cut: int):
    first = open_spill(tmp_path)
    keep(first, events_of(0, 3))
    first.close()
    [segment] = first.folder.glob("*.log")
    os.truncate(segment, segment.stat().st_size - cut)
    again = open_spill(tmp_path)
    keep(again, events_of(3, 5))
    assert list(again.left_over()) == events_of(0, 2) + events_of(3, 5)
    again.close()


def test_a_changed_byte_is_noticed(tmp_path: Path):
    first = open_spill(tmp_path)
    keep(first, events_of(0, 3))
    first.close()
    [segment] = first.folder.glob("*.log")
    segment.write_bytes(segment.read_bytes().replace(b"e1", b"e9"))
    again = open_spill(tmp_path)
    batch = again.read(10)
    assert (list(batch.events), batch.torn) == ([events_of(0, 1)[0], events_of(2, 3)[0]], 1)
    again.close()


def test_finished_segments_are_removed(tmp_path: Path):
    spill = Spill(tmp_path / "0", segment_bytes=100)
    assert spill.try_open()
    for i in range(20):
        keep(spill, events_of(i, i + 1))
    assert len(list(spill.folder.glob("*.log"))) > 3
    seen = []
    while spill.pending:
        batch = spill.read(7)
        seen += batch.events
        spill.confirm(batch)
    assert seen == events_of(0, 20)
    assert len(list(spill.folder.glob("*.log"))) == 1
    spill.close()


def test_a_hundred_thousand_events_fit_and_come_out(spill: Spill):
    for start in range(0, 100_000, 10_000):
        keep(spill, events_of(start, start + 10_000))
    assert spill.pending == 100_000
    assert sum(1 for _ in spill.left_over()) == 100_000


def test_a_full_log_says_so_and_keeps_what_it_has(tmp_path: Path):
    spill = Spill(tmp_path / "0", most_bytes=200)
    assert spill.try_open()
    keep(spill, events_of(0, 5))
    with pytest.raises(SpillFull):
        keep(spill, events_of(5, 30))
    assert list(spill.left_over()) == events_of(0, 5)
    spill.confirm(spill.read(5))
    assert spill.pending == 0
    spill.close()


def test_a_disk_that_refuses_is_reported_to_its_callers_and_the_log_goes_on(spill: Spill, monkeypatch):
    keep(spill, events_of(0, 1))
    real = os.write

    def half(handle: int, data) -> int:
        if len(data) > 40:
            return real(handle, bytes(data[:20]))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gateway.spill.os.write", half)
    with pytest.raises(SpillFull):
        keep(spill, events_of(1, 4))
    monkeypatch.undo()
    keep(spill, events_of(4, 5))
    assert list(spill.left_over()) == events_of(0, 1) + events_of(4, 5)


def test_two_processes_never_share_a_folder(tmp_path: Path, spill: Spill):
    other = open_spill(tmp_path)
    assert other.folder != spill.folder
    assert list(abandoned(tmp_path, spill)) == []
    other.close()


class Database:
    """Takes events by id, can be away, and refuses what is named ``bad``."""

    def __init__(self) -> None:
        self.away = False
        self.rows: dict[str, int] = {}

    def record(self, events) -> None:
        if self.away:
            raise BakeoffError("database_unavailable", "It is away.")
        ids = [json.loads(event)["id"] for event in events]
        if "bad" in ids:
            raise ValueError("no such thing")
        for event_id in ids:
            self.rows[event_id] = self.rows.get(event_id, 0) + 1
        return [None] * len(ids)


def until(condition, seconds: float = 5.0) -> bool:
    async def wait() -> bool:
        for _ in range(int(seconds / 0.01)):
            if condition():
                return True
            await asyncio.sleep(0.01)
        return False

    return asyncio.run(wait())


def test_the_deliverer_waits_for_the_database_and_loses_nothing(spill: Spill):
    database = Database()
    database.away = True
    deliverer = Deliverer(spill, database.record)
    deliverer.start()
    keep(spill, events_of(0, 1200))
    assert not until(lambda: database.rows, 0.2)
    database.away = False
    assert until(lambda: spill.pending == 0)
    deliverer.stop()
    assert sorted(database.rows) == sorted(f"e{i}" for i in range(1200))
    assert set(database.rows.values()) == {1}


def test_an_event_that_is_never_taken_does_not_hold_up_the_others(tmp_path: Path, spill: Spill):
    database = Database()
    deliverer = Deliverer(spill, database.record)
    keep(spill, [*events_of(0, 2), b'{"id": "bad"}', *events_of(2, 4)])
    deliverer.start()
    assert until(lambda: spill.pending == 0)
    deliverer.stop()
    assert sorted(database.rows) == ["e0", "e1", "e2", "e3"]
    [line] = (tmp_path / SET_ASIDE).read_text("utf-8").splitlines()
    assert json.loads(line) == {"reason": "ValueError", "event": '{"id": "bad"}'}
    assert deliverer.set_aside == 1


@pytest.mark.faults
def test_what_was_acknowledged_before_a_kill_is_on_disk(tmp_path: Path):
    """A process appends without end and says what was acknowledged; it is killed at three moments."""
    code = textwrap.dedent("""
        import asyncio, sys
        from pathlib import Path
        from gateway.spill import open_spill
        async def main():
            spill, start = open_spill(Path(sys.argv[1])), int(sys.argv[2])
            async def lane(number):
                for i in range(10**9):
                    event = f'{{"id": "{start}-{number}-{i}"}}'
                    await spill.append([event.encode()])
                    sys.stdout.write(event + "\\n"); sys.stdout.flush()
            await asyncio.gather(*(lane(n) for n in range(8)))
        asyncio.run(main())
    """)
    told: list[str] = []
    for start in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path), str(start)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            for _ in range(150 + 97 * start):
                told.append(process.stdout.readline().strip())
            process.send_signal(signal.SIGKILL)
            told += [line.strip() for line in process.stdout if line.endswith("\n")]
    spill = open_spill(tmp_path)
    kept = [event.decode() for event in spill.left_over()]
    spill.close()
    assert len(told) > 400
    assert set(told) <= set(kept)
    assert len(kept) == len(set(kept))
