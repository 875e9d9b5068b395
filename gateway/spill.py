"""Events on disk before anybody is told that they are kept: an append-only log that outlives the database and us.

One folder per process, held by a lock. Each line is ``<crc32> <json>``; a line counts once it is whole, and a new
process begins a new segment, so the torn end that ``kill -9`` leaves is never continued. Appends that arrive while the
disk is busy share the next ``fsync``. What was delivered is noted beside the segments without a sync: a lost note only
means delivering again, which the database ignores by the events' ids.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from experiments.background import Loop, loop_state

SEGMENT_BYTES = 8_000_000
GATHER_S = 0.005
"""Pause after a write: lines that come in it share the next one, and nobody wakes the writer, which would cost more."""
SOON_S = 0.02
"""What nobody waits for goes to the disk with the next lines that somebody waits for, or after so long."""
MOST_BYTES = 1_000_000_000
"""About three million exposures; what comes beyond is refused instead of filling the disk."""
POSITION = "delivered"
SUFFIX = ".log"


class SpillFull(OSError):
    """The log cannot take more: its limit, or the disk's."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """The place right behind a line: number of the segment and bytes into it."""

    segment: int
    offset: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Some lines in the order in which they were kept, and where the next ones begin. ``torn`` lines were left out."""

    events: tuple[bytes, ...]
    end: Position
    torn: int = 0


@dataclass(slots=True)
class _Waiting:
    """Lines on their way to the disk, and who waits for them (nobody: None)."""

    lines: bytes
    count: int
    waiter: tuple[asyncio.AbstractEventLoop, asyncio.Future[None]] | None


class Spill:
    """The log of one process. ``append`` belongs to event loops, ``read`` and ``confirm`` to one other thread.

    ``dropped`` counts events that the disk did not take.
    """

    def __init__(self, folder: Path, *, most_bytes: int = MOST_BYTES, segment_bytes: int = SEGMENT_BYTES) -> None:
        self.folder = folder
        self._most_bytes = most_bytes
        self._segment_bytes = segment_bytes
        self._lock = FileLock(folder / "lock")
        self._changed = threading.Condition()
        self._waiting: list[_Waiting] = []
        self._waking: asyncio.AbstractEventLoop | None = None
        self._due: asyncio.TimerHandle | None = None
        self._closing = False
        self._file: int | None = None
        self._durable = Position(0, 0)
        self._delivered = Position(0, 0)
        self._sizes: dict[int, int] = {}
        self._pending = 0
        self.dropped = 0
        self._writer: threading.Thread | None = None

    @property
    def pending(self) -> int:
        """Events that are on disk and not delivered yet."""
        return self._pending

    def try_open(self) -> bool:
        """Whether the folder is ours now; what an earlier process left in it is waiting to be read then."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            return False
        numbers = sorted(int(path.stem) for path in self.folder.glob(f"*{SUFFIX}"))
        self._sizes = {number: self._path(number).stat().st_size for number in numbers}
        self._durable = Position(numbers[-1] + 1 if numbers else 1, 0)
        self._delivered = min(self._noted(), self._durable)
        self._pending = sum(1 for _ in self.left_over())
        if self._pending == 0:
            for number in numbers:
                self._path(number).unlink()
            self._sizes = {}
        self._writer = threading.Thread(target=self._write_until_closed, name="spill-writer", daemon=True)
        self._writer.start()
        return True

    def left_over(self) -> Iterator[bytes]:
        """The events that are not delivered, oldest first."""
        position = self._delivered
        while (batch := self._read(position, 10_000)).end != position:
            yield from batch.events
            position = batch.end

    def append(self, events: Sequence[bytes]) -> asyncio.Future[None]:
        """Done when the events (JSON, one line each) are on disk; fails with SpillFull when nothing is kept."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        self._enqueue(events, (loop, waiter))
        if self._waking is not loop:
            # after all requests of this turn of the loop: waking the writer costs more than the line does
            self._waking = loop
            loop.call_soon(self._begin_writing)
        return waiter

    def append_soon(self, events: Sequence[bytes]) -> None:
        """Puts the events on disk within moments, without anybody waiting for it."""
        self._enqueue(events, None)
        loop = asyncio.get_running_loop()
        if self._due is None or self._due.when() <= loop.time():
            self._due = loop.call_later(SOON_S, self._begin_writing)

    def wait_for_more(self, timeout_s: float) -> None:
        """Returns when there is something to read, or after the time."""
        with self._changed:
            self._changed.wait_for(lambda: self._closing or self._pending > 0, timeout_s)

    def read(self, most: int) -> Batch:
        """The oldest undelivered events, at most so many; the same again until they are confirmed."""
        return self._read(self._delivered, most)

    def confirm(self, batch: Batch) -> None:
        """The batch is delivered: it is not read again, and its finished segments are removed."""
        with self._changed:
            self._delivered = batch.end
            self._pending = max(0, self._pending - len(batch.events))
            finished = [number for number in self._sizes if number < batch.end.segment]
            for number in finished:
                del self._sizes[number]
        note = self.folder / f"{POSITION}.new"
        note.write_text(f"{batch.end.segment} {batch.end.offset}", "ascii")
        note.replace(self.folder / POSITION)
        for number in finished:
            self._path(number).unlink(missing_ok=True)

    def close(self) -> None:
        """Finish what is on its way to the disk and let go of the folder."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._writer is not None:
            self._writer.join()
            self._writer = None
        self._lock.release()

    # --- the writer's side ---------------------------------------------------------------------------------------

    def _enqueue(
        self, events: Sequence[bytes], waiter: tuple[asyncio.AbstractEventLoop, asyncio.Future[None]] | None
    ) -> None:
        lines = b"".join(b"%08x %b\n" % (zlib.crc32(event), event) for event in events)
        with self._changed:
            if self._closing:
                raise SpillFull("the log is closed")
            self._waiting.append(_Waiting(lines, len(events), waiter))

    def _begin_writing(self) -> None:
        self._waking = self._due = None
        with self._changed:
            self._changed.notify_all()

    def _write_until_closed(self) -> None:
        state = loop_state(Loop.EVENT_LOG)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                group, self._waiting = self._waiting, []
                if not group:
                    break
            try:
                problem = self._write(group)
            except Exception as error:  # a waiter for these lines is answered, whatever went wrong
                state.failed(error)
                problem = SpillFull("the event log cannot be written")
            if problem is not None:
                self.dropped += sum(waiting.count for waiting in group)
                state.failed(problem)
            else:
                state.works()
            _tell(group, problem)
            time.sleep(GATHER_S)
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _write(self, group: Sequence[_Waiting]) -> SpillFull | None:
        """Puts a group on disk; None when it is there, else why not."""
        lines = b"".join(waiting.lines for waiting in group)
        if sum(self._sizes.values()) + len(lines) > self._most_bytes:
            return SpillFull(f"the log holds its limit of {self._most_bytes:,} bytes")
        try:
            size = self._append_and_sync(lines)
        except OSError as error:
            self._cut_back()
            return SpillFull(f"the event log cannot be written: {error.strerror}")
        with self._changed:
            self._durable = Position(self._durable.segment, size)
            self._pending += sum(waiting.count for waiting in group)
            self._sizes[self._durable.segment] = size
            self._changed.notify_all()
        return None

    def _append_and_sync(self, lines: bytes) -> int:
        if self._file is not None and self._durable.offset >= self._segment_bytes:
            os.close(self._file)
            self._file = None
            with self._changed:
                self._durable = Position(self._durable.segment + 1, 0)
        if self._file is None:
            path = self._path(self._durable.segment)
            self._file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
            _sync_folder(self.folder)
        rest = memoryview(lines)
        while rest:
            rest = rest[os.write(self._file, rest) :]
        os.fdatasync(self._file) if hasattr(os, "fdatasync") else os.fsync(self._file)
        return self._durable.offset + len(lines)

    def _cut_back(self) -> None:
        """Takes half-written lines away again, so that the next ones do not follow a torn one."""
        if self._file is None:
            return
        try:
            os.ftruncate(self._file, self._durable.offset)
        except OSError:
            with suppress(OSError):
                os.close(self._file)
            self._file = None
            with self._changed:
                self._durable = Position(self._durable.segment + 1, 0)

    # --- the reader's side ---------------------------------------------------------------------------------------

    def _read(self, position: Position, most: int) -> Batch:
        with self._changed:
            durable, segments = self._durable, sorted(self._sizes)
        for segment in (s for s in segments if s >= position.segment):
            offset = position.offset if segment == position.segment else 0
            end = durable.offset if segment == durable.segment else self._sizes[segment]
            if offset < end:
                return self._lines(segment, offset, end, most)
        return Batch((), position)

    def _lines(self, segment: int, offset: int, end: int, most: int) -> Batch:
        events: list[bytes] = []
        torn = 0
        with self._path(segment).open("rb") as file:
            file.seek(offset)
            while offset < end and len(events) < most:
                line = file.readline(end - offset)
                if not line:
                    torn, offset = torn + 1, end  # shorter than it was: somebody else cut it
                    break
                offset += len(line)
                event = _event(line)
                if event is None:
                    torn += 1
                else:
                    events.append(event)
        return Batch(tuple(events), Position(segment, offset), torn)

    def _noted(self) -> Position:
        try:
            segment, offset = (self.folder / POSITION).read_text("ascii").split()
            return Position(int(segment), int(offset))
        except (OSError, ValueError):
            return Position(0, 0)

    def _path(self, segment: int) -> Path:
        return self.folder / f"{segment:012d}{SUFFIX}"


def open_spill(root: Path) -> Spill:
    """The log of this process: the first folder below ``root`` that no living process holds."""
    number = 0
    while True:
        spill = Spill(root / str(number))
        if spill.try_open():
            return spill
        number += 1


def abandoned(root: Path, own: Spill) -> Iterator[Spill]:
    """The logs that dead processes left, opened; the caller closes them."""
    for folder in sorted(path for path in root.iterdir() if path.is_dir() and path != own.folder):
        spill = Spill(folder)
        if any(folder.glob(f"*{SUFFIX}")) and spill.try_open():
            yield spill


def _event(line: bytes) -> bytes | None:
    """The event of a whole line, or None."""
    if not line.endswith(b"\n") or line[8:9] != b" ":
        return None
    event = line[9:-1]
    return event if line[:8] == b"%08x" % zlib.crc32(event) else None


def _tell(group: Sequence[_Waiting], problem: SpillFull | None) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for waiting in group:
        if waiting.waiter is not None:
            loop, future = waiting.waiter
            by_loop.setdefault(loop, []).append(future)
    for loop, futures in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle, futures, problem)


def _settle(futures: Sequence[asyncio.Future[None]], problem: SpillFull | None) -> None:
    for future in futures:
        if future.done():
            continue  # its caller has gone
        if problem is None:
            future.set_result(None)
        else:
            future.set_exception(problem)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
