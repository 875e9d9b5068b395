"""A process that runs one foreign scorer: started when needed, asked under a deadline, killed if it does not answer."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.errors import BakeoffError

LARGEST_ANSWER = 1_000_000
FAILURES_IN_A_ROW = 3
_ROOT = Path(__file__).resolve().parents[2]
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1]); from experiments.scoring.custom_host import main; main(sys.argv[2:])"
)
_PASSED_ON = ("LD_LIBRARY_PATH", "TMPDIR", "TZ")


class Unanswered(Exception):
    """No answer came; the message says why in one line."""


@dataclass(frozen=True, slots=True)
class ProcessLimits:
    """Wall time of one score and of loading the code, in seconds, and address space in bytes."""

    score_s: float = 5.0
    load_s: float = 30.0
    memory_bytes: int = 2 * 1024**3


class ScorerProcess:
    """One foreign scorer. ``ask`` may be called from any thread; questions wait for one another."""

    def __init__(self, load: dict[str, str], *, limits: ProcessLimits) -> None:
        """``load`` is the first message, which tells what to load. Raises BakeoffError on systems without fork."""
        if os.name != "posix":
            raise BakeoffError("not_supported", "Scorers of your own need Linux or macOS.")
        self._load = load
        self._limits = limits
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._stop: weakref.finalize[Any, Any] | None = None
        self._failures = 0
        self._last_failure = ""

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer to a request. The process is started if it does not run.

        Raises:
            Unanswered: too slow, crashed, or the code does not load; after three of these in a row at once.
        """
        with self._lock:
            if self._failures >= FAILURES_IN_A_ROW:
                raise Unanswered(f"switched off after {FAILURES_IN_A_ROW} failures in a row: {self._last_failure}")
            try:
                connection = self._socket or self._start()
                answer = _exchange(connection, request, self._limits.score_s)
            except Unanswered as error:
                self._failures += 1
                self._last_failure = str(error)
                self._end()
                raise
            self._failures = 0
            return answer

    def close(self) -> None:
        """Ends the process and forgets its failures; the next question starts it again."""
        with self._lock:
            self._end()
            self._failures = 0

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-I", "-B", "-X", "utf8", "-c", _BOOT, str(_ROOT), str(theirs.fileno())]
        command += [str(self._limits.score_s), str(self._limits.memory_bytes)]
        environment = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"} | {
            k: os.environ[k] for k in _PASSED_ON if k in os.environ
        }
        try:
            process = subprocess.Popen(  # noqa: S603 – our own interpreter and our own module
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env=environment,
                cwd="/",
                start_new_session=True,
            )
        except OSError:
            ours.close()
            raise Unanswered("no process could be started for the scorer") from None
        finally:
            theirs.close()
        self._socket = ours
        self._stop = weakref.finalize(self, _kill, process, ours)
        loaded = _exchange(ours, self._load, self._limits.load_s)
        if "broken" in loaded:
            raise Unanswered(str(loaded["broken"]))
        return ours

    def _end(self) -> None:
        if self._stop is not None:
            self._stop()
        self._socket = self._stop = None


def _exchange(connection: socket.socket, request: dict[str, Any], limit_s: float) -> dict[str, Any]:
    """Sends one line, returns the one that comes back. Raises Unanswered."""
    deadline = time.monotonic() + limit_s
    answer = bytearray()
    try:
        connection.settimeout(limit_s)
        connection.sendall(json.dumps(request).encode() + b"\n")
        while not answer.endswith(b"\n"):
            connection.settimeout(max(0.001, deadline - time.monotonic()))
            piece = connection.recv(65536)
            answer += piece
            if not piece:
                raise Unanswered("the scorer's process ended")
            if len(answer) > LARGEST_ANSWER:
                raise Unanswered(f"the scorer's answer is longer than {LARGEST_ANSWER:,} bytes")
        message = json.loads(answer)
    except TimeoutError:
        raise Unanswered(f"the scorer took longer than {limit_s:g} s") from None
    except OSError:
        raise Unanswered("the scorer's process ended") from None
    except ValueError:
        raise Unanswered("the scorer's process answered nonsense") from None
    if not isinstance(message, dict):
        raise Unanswered("the scorer's process answered nonsense")
    return message


def _kill(process: subprocess.Popen[bytes], connection: socket.socket) -> None:
    """Ends the process and whatever it has started."""
    connection.close()
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
    process.wait()
