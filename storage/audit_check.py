"""Check the audit log: each event against its hash and the one before, the whole against what remembers its end."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from experiments.vocabulary import canonical_json, content_hash
from storage.anchors import Anchor
from storage.audit import GENESIS, event_hash

MOST_FAULTS = 100
_EVENTS = "SELECT sequence, at, actor, action, subject, details, previous_hash, hash FROM audit_event ORDER BY sequence"


@dataclass(frozen=True, slots=True)
class AuditFault:
    """One thing that does not fit: ``event`` is its number (None for what stands outside the log), in a sentence."""

    event: int | None
    message: str


@dataclass(frozen=True, slots=True)
class ChainReport:
    """How many events there are, the hash of the last, and what does not fit (at most ``MOST_FAULTS``)."""

    events: int
    head: str
    faults: tuple[AuditFault, ...] = ()

    @property
    def broken_at(self) -> int | None:
        """The first event that does not fit (one past the last where the end is missing), None when all is well."""
        if not self.faults:
            return None
        return self.faults[0].event if self.faults[0].event is not None else self.events + 1


def check_log(session: Session, anchors: Sequence[Anchor] = ()) -> ChainReport:
    """The report on the whole log, read as it is stored, so that what cannot be read is a fault and not an error."""
    # First, since a decision that is committed meanwhile comes with its event: the events are read after it.
    decisions = _decisions(session)
    faults: list[AuditFault] = []
    hashes: dict[int, str] = {}
    told: dict[str, str] = {}
    before, head = 0, GENESIS
    for row in session.execute(text(_EVENTS).execution_options(yield_per=1000)):
        number = row.sequence if isinstance(row.sequence, int) else before + 1
        faults += _faults(row, number, before, head)
        hashes[number] = str(row.hash)
        told |= _decision_in(row)
        before, head = number, str(row.hash)
    faults += _lost(anchors, hashes)
    faults += _unsaid(decisions, told)
    return ChainReport(len(hashes), head, tuple(faults[:MOST_FAULTS]))


def _faults(row: Any, number: int, before: int, head: str) -> Iterator[AuditFault]:  # noqa: ANN401
    if number != before + 1:
        missing = f"event {before + 1} is" if number == before + 2 else f"events {before + 1} to {number - 1} are"
        yield AuditFault(number, f"Before event {number}, {missing} missing.")
    elif str(row.previous_hash) != head:
        yield AuditFault(
            number, f"Event {number} does not follow the event before it: one of them was changed or replaced."
        )
    if _hash_of(row) != row.hash:
        yield AuditFault(number, f"Event {number} was changed.")


def _hash_of(row: Any) -> str | None:  # noqa: ANN401
    """The hash that the stored row should have; None when a part of it is not what could have been written."""
    try:
        at = row.at.astimezone(UTC) if isinstance(row.at, datetime) else datetime.fromisoformat(row.at)
        details = json.loads(row.details)
        if canonical_json(details) != row.details or not isinstance(row.at, datetime | str):
            return None
        if isinstance(row.at, str) and at.isoformat(timespec="microseconds") != row.at:
            return None
        return event_hash(
            row.sequence,
            at,
            actor=row.actor,
            action=row.action,
            subject=row.subject,
            details=details,
            previous=row.previous_hash,
        )
    except (ValueError, TypeError, AttributeError):
        return None


def _decision_in(row: Any) -> dict[str, str]:  # noqa: ANN401
    """Decision → hash of its evidence, as the event tells them; empty for other events."""
    try:
        details = json.loads(row.details)
        return {str(details["decision"]): str(details.get("evidence_hash", ""))}
    except (ValueError, TypeError, KeyError):
        return {}


def _lost(anchors: Iterable[Anchor], hashes: dict[int, str]) -> list[AuditFault]:
    """What anchors remember and the log no longer holds: the first and the last of them say it."""
    found = []
    for anchor in anchors:
        if anchor.events not in hashes:
            words = f"{anchor.source} remembers event {anchor.events}, which is missing: the end of the log was removed"
            found.append(AuditFault(None, f"{words[:1].upper()}{words[1:]}, or an older backup restored."))
        elif hashes[anchor.events] != anchor.head:
            words = f"{anchor.source} remembers another event {anchor.events}: the log was rewritten."
            found.append(AuditFault(anchor.events, f"{words[:1].upper()}{words[1:]}"))
    return found if len(found) < 3 else [found[0], found[-1]]


def _decisions(session: Session) -> dict[str, str | None]:
    """Decision → hash of its evidence; None where the stored evidence is not what that hash was made of."""
    query = "SELECT id, evidence, evidence_hash FROM decision ORDER BY created_at, id"
    return {
        row.id: row.evidence_hash if _digest(row.evidence) == row.evidence_hash else None
        for row in session.execute(text(query).execution_options(yield_per=20))
    }


def _digest(evidence: object) -> str | None:
    try:
        return content_hash(json.loads(str(evidence)))
    except ValueError:
        return None


def _unsaid(decisions: Mapping[str, str | None], told: Mapping[str, str]) -> list[AuditFault]:
    """Decisions that no event tells of, and those whose evidence is not what was decided on."""
    found = []
    for decision, evidence_hash in decisions.items():
        if decision not in told:
            found.append(AuditFault(None, f"No event tells of the decision {decision}: events were removed."))
        elif told[decision] != evidence_hash:
            found.append(AuditFault(None, f"The evidence of the decision {decision} was changed."))
    return found
