"""Reads along in a stream of chat completion chunks that is passed on to a caller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.completions.answers import Answer
from experiments.completions.chat_protocol import DONE, ErrorInBody, MalformedResponse, StreamedAnswer, parsed_object
from experiments.completions.exchange import MOST_BYTES, Exchange
from experiments.completions.lean import Oversize


class EventReader:
    """Puts the answer together, and takes out the one event that only our books asked for.

    ``hide_usage`` leaves out the event that holds nothing but the usage: the caller did not ask for it, and many
    applications take the first choice of every chunk. ``error`` is the body of an error that came inside the stream.
    """

    def __init__(self, *, hide_usage: bool) -> None:
        self._hide_usage = hide_usage
        self._assembly = StreamedAnswer()
        self._rest = b""
        self._size = 0
        self._malformed = False
        self._skip_blank = False
        self.first_token_ms: float | None = None
        self.error: Mapping[str, Any] | None = None

    def read(self, piece: bytes, exchange: Exchange, elapsed_ms: float) -> bytes:
        """What of a piece is to be passed on. Raises Oversize beyond ``MOST_BYTES``.

        Whole lines only: the rest comes with the next piece. Nothing after an error.
        """
        self._size += len(piece)
        if self._size > MOST_BYTES:
            raise Oversize
        whole, newline, self._rest = (self._rest + piece).rpartition(b"\n")
        passed: list[bytes] = []
        for line in (whole + newline).splitlines(keepends=True):
            if self.error is not None:
                break
            if self._is_passed(line, exchange, elapsed_ms):
                passed.append(line)
        return b"".join(passed)

    def end(self) -> bytes:
        """What is left to pass on when the stream is over."""
        rest, self._rest = self._rest, b""
        return rest

    def text_so_far(self) -> str:
        """What has come of the answer's text."""
        return self._assembly.text_so_far()

    def answer(self, exchange: Exchange) -> Answer:
        """The whole answer. Raises MalformedResponse when the stream was none, or ended too early."""
        if self._malformed:
            raise MalformedResponse("An event of the stream is no JSON object.")
        return self._assembly.answer(request_id=exchange.request_id(), first_token_ms=self.first_token_ms)

    def _is_passed(self, line: bytes, exchange: Exchange, elapsed_ms: float) -> bool:
        data = line.strip()
        if not data:
            skip, self._skip_blank = self._skip_blank, False
            return not skip
        if not data.startswith(b"data:"):
            return True
        data = data[5:].strip()
        if data == DONE:
            self._assembly.finish()
            return True
        try:
            return self._add(parsed_object(data, exchange), elapsed_ms)
        except ErrorInBody as error:
            self.error = error.body
            return False
        except MalformedResponse:
            self._malformed = True
            return True

    def _add(self, chunk: Mapping[str, Any], elapsed_ms: float) -> bool:
        if self._assembly.add(chunk) and self.first_token_ms is None:
            self.first_token_ms = elapsed_ms
        self._skip_blank = self._hide_usage and not chunk.get("choices") and bool(chunk.get("usage"))
        return not self._skip_blank
