"""Queries about labels: where they point, how they moved."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from experiments.errors import Conflict
from experiments.vocabulary import new_id
from storage import tables
from storage.records import LabelEventRecord, LabelRecord, to_record


class Registry:
    """Labels of one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def label(self, prompt_id: str, label: str) -> LabelRecord:
        """Where the label points; revision 0 and no version when it was never set."""
        row = self._session.get(tables.Label, (prompt_id, label))
        return to_record(LabelRecord, row) if row else LabelRecord(prompt_id, label, None, 0, None)

    def labels(self, prompt_id: str) -> list[LabelRecord]:
        """All labels of the prompt that were ever set."""
        query = select(tables.Label).where(tables.Label.prompt_id == prompt_id).order_by(tables.Label.label)
        return [to_record(LabelRecord, row) for row in self._session.exec(query)]

    def all_labels(self) -> list[LabelRecord]:
        """All labels of all prompts."""
        query = select(tables.Label).order_by(tables.Label.prompt_id, tables.Label.label)
        return [to_record(LabelRecord, row) for row in self._session.exec(query)]

    def history(self, prompt_id: str, label: str | None = None) -> list[LabelEventRecord]:
        """All moves of one label, or of all labels of the prompt, newest first.

        The order of one label's moves is their revision. A clock can jump back and two servers never agree, so times
        only say how the moves of different labels lie between each other.
        """
        query = select(tables.LabelEvent).where(tables.LabelEvent.prompt_id == prompt_id)
        if label is not None:
            query = query.where(tables.LabelEvent.label == label)
        events = [to_record(LabelEventRecord, row) for row in self._session.exec(query)]
        latest: dict[str, datetime] = {}
        placed = []
        for event in sorted(events, key=lambda e: e.revision):
            latest[event.label] = max(event.at, latest.get(event.label, event.at))
            placed.append(((latest[event.label], event.label, event.revision), event))
        return [event for _, event in sorted(placed, key=lambda pair: pair[0], reverse=True)]

    def move(
        self,
        head: LabelRecord,
        *,
        to_version_id: str,
        kind: str,
        actor: str,
        reason: str,
        at: datetime,
        decision_id: str | None = None,
    ) -> LabelEventRecord:
        """Point the label at a version if it still stands where ``head`` says (compare-and-set).

        Raises:
            Conflict: ``label_moved`` when somebody moved it since; nothing is changed then.
        """
        revision = head.revision + 1
        if head.revision == 0:
            if self._session.get(tables.Label, (head.prompt_id, head.label)) is not None:
                raise _moved(head.label)
            self._session.add(
                tables.Label(
                    prompt_id=head.prompt_id,
                    label=head.label,
                    version_id=to_version_id,
                    revision=1,
                    moved_at=at,
                )
            )
        else:
            changed = self._session.execute(
                update(tables.Label)
                .where(
                    col(tables.Label.prompt_id) == head.prompt_id,
                    col(tables.Label.label) == head.label,
                    col(tables.Label.revision) == head.revision,
                )
                .values(version_id=to_version_id, revision=revision, moved_at=at)
            )
            if changed.rowcount != 1:  # type: ignore[attr-defined]
                raise _moved(head.label)
        event = tables.LabelEvent(
            id=new_id(),
            prompt_id=head.prompt_id,
            label=head.label,
            revision=revision,
            kind=kind,
            from_version_id=head.version_id,
            to_version_id=to_version_id,
            actor=actor,
            reason=reason,
            decision_id=decision_id,
            at=at,
        )
        self._session.add(event)
        self._session.flush()
        return to_record(LabelEventRecord, event)


def _moved(label: str) -> Conflict:
    return Conflict(
        "label_moved",
        f"Somebody else moved '{label}' in the meantime.",
        "Look at what is live now, then decide again.",
    )
