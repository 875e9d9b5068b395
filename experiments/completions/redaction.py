"""Secrets out of text: provider messages are stored, logged and shown, and providers like to repeat the key."""

from __future__ import annotations

import re
from collections.abc import Mapping

REDACTED = "[redacted]"
LONGEST_MESSAGE = 300
LONGEST_INPUT = 4_000
SHORTEST_SECRET = 8

SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|DATABASE_URL", re.IGNORECASE)
PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?i)\b(bearer)\s+[^\s\"',;]+"), rf"\1 {REDACTED}"),
    (
        re.compile(r"(?i)\b(api[-_ ]?key|token|secret|password)(\s*[:=]\s*|\s+)(?=\S*[\d*])[^\s\"',;]{6,}"),
        rf"\1\2{REDACTED}",
    ),
    (re.compile(r"\b(?:sk|pk|rk|gsk|xai|hf|bk|ghp|gho|glpat)[-_][\w*-]{6,}"), REDACTED),
    (re.compile(r"\b(?:AIza[\w-]{20,}|(?:AKIA|ASIA)[A-Z0-9]{12,}|eyJ[\w-]+\.[\w.-]+)"), REDACTED),
    (re.compile(r"\b(?P<scheme>[a-z][a-z0-9+.-]{1,15}://)[^\s/@]+@"), rf"\g<scheme>{REDACTED}@"),
    (re.compile(r"\b(?P<address>[a-z][a-z0-9+.-]{1,15}://[^\s?\"'<>]*)\?[^\s\"'<>]*"), rf"\g<address>?{REDACTED}"),
)
"""In this order: bearer tokens, named credentials, keys by their usual prefixes, cloud keys and JSON web tokens, user
and password of an address, query of an address. Long runs of letters and digits come last."""
LONG_RUN = re.compile(r"[A-Za-z0-9+/=_-]{20,}")
UNBROKEN = re.compile(r"[A-Za-z0-9]{20,}")


class Redactor:
    """Replaces secrets in a text: those of the environment by value, others by their shape."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        values = {" ".join(value.split()) for name, value in environ.items() if SECRET_NAME.search(name)}
        # longest first: one secret may begin like another
        self._secrets = sorted((v for v in values if len(v) >= SHORTEST_SECRET), key=len, reverse=True)
        self._keys = [value for value in self._secrets if is_key(value)]

    def __call__(self, text: str) -> str:
        """One line of at most 300 characters without secrets and control characters."""
        line = " ".join(text[:LONGEST_INPUT].split())
        for secret in self._secrets:
            line = line.replace(secret, REDACTED)
        for pattern, replacement in PATTERNS:
            line = pattern.sub(replacement, line)
        line = LONG_RUN.sub(_without_key, line)
        line = "".join(c if c.isprintable() else "\ufffd" for c in line)
        return line if len(line) <= LONGEST_MESSAGE else line[: LONGEST_MESSAGE - 1] + "…"

    def without_secrets(self, text: str) -> str:
        """The text itself, or a copy in which keys of the environment are replaced; nothing else changes."""
        for secret in self._keys:
            if secret in text:
                text = text.replace(secret, REDACTED)
        return text


class KeyFilter:
    """Takes one key out of the bytes of an answer as they pass, also where it comes in two pieces."""

    def __init__(self, key: str) -> None:
        self._key = key.encode() if is_key(key) else b""
        self._held = b""

    def passed(self, piece: bytes) -> bytes:
        """What of a piece can go on; an end that may be the beginning of the key waits for the next piece."""
        if not self._key:
            return piece
        text = (self._held + piece).replace(self._key, REDACTED.encode())
        # events end with a line feed, which is in no key: what follows is for pieces cut elsewhere
        begun = 0 if text.endswith(b"\n") else self._begun(text)
        self._held = text[len(text) - begun :]
        return text[: len(text) - begun]

    def rest(self) -> bytes:
        """What waits at the end of the answer."""
        held, self._held = self._held, b""
        return held

    def whole(self, body: bytes) -> bytes:
        """A body that came in one piece, without the key."""
        return self.passed(body) + self.rest()

    def _begun(self, text: bytes) -> int:
        lengths = range(min(len(self._key) - 1, len(text)), 0, -1)
        return next((n for n in lengths if text.endswith(self._key[:n])), 0)


def is_key(value: str) -> bool:
    """Whether a value is taken out of answers: ``not-needed`` or ``10000000`` may be what an answer is about."""
    mixed = any(c.isalpha() for c in value) and any(c.isdigit() for c in value)
    return len(value) >= SHORTEST_SECRET and mixed


def _without_key(match: re.Match[str]) -> str:
    run = match.group(0)
    # words joined by dashes or slashes are names and paths; a key has a long unbroken run with a digit in it
    is_key = UNBROKEN.search(run) is not None and any(c.isdigit() for c in run)
    return REDACTED if is_key else run
