"""A table of recorded votes between two answers (the form of arena battles) → the answers, and who preferred which.

A row is one vote: the question, two variants, the winner and the rater. The first variant of a row stood on the left.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from experiments.datasets.plain_names import nearest_plain_name
from experiments.datasets.table import Row, Table
from experiments.errors import BakeoffError
from experiments.ratings.questions import BOTH_BAD, BOTH_GOOD, LEFT, RIGHT

UNKNOWN_RATER = "rater"
_NAMES = {
    "question": ("question_id", "example_id", "prompt_id", "conversation_id", "id", "question", "prompt"),
    "left": ("model_a", "variant_a"),
    "right": ("model_b", "variant_b"),
    "winner": ("winner", "vote", "preference"),
    "left_answer": ("answer_a", "output_a", "response_a", "conversation_a"),
    "right_answer": ("answer_b", "output_b", "response_b", "conversation_b"),
    "rater": ("rater", "rater_id", "judge", "user", "annotator"),
}
_NEEDED = ("question", "winner", "left_answer", "right_answer")
_WORDS = {
    **dict.fromkeys(("model_a", "variant_a", "a", "left"), LEFT),
    **dict.fromkeys(("model_b", "variant_b", "b", "right"), RIGHT),
    **dict.fromkeys(("tie", "draw", "both_good", "tie (both good)", "tie (bothgood)"), BOTH_GOOD),
    **dict.fromkeys(("both_bad", "bothbad", "tie (bothbad)", "tie (both bad)"), BOTH_BAD),
}


@dataclass(frozen=True, slots=True)
class RecordedVote:
    """One vote between two variants (plain names); ``choice`` is left, right, both_good or both_bad."""

    question: str
    left: str
    right: str
    choice: str
    rater: str


@dataclass(frozen=True, slots=True)
class RecordedVotes:
    """``answers`` has a row for each answer: example_id, variant, output, and what all votes of a question share."""

    answers: Table
    votes: tuple[RecordedVote, ...]
    left_out: tuple[str, ...]


def recorded_votes(table: Table) -> RecordedVotes | None:
    """The votes of a table with the columns ``model_a`` and ``model_b`` (or ``variant_a`` …); None for any other table.

    Without a column of raters all votes are one unknown person's.

    Raises:
        BakeoffError: ``missing_columns``, ``missing_value``, ``same_variant``, ``unknown_winner``, ``same_vote_twice``,
            ``answers_differ``; with the place of the row.
    """
    columns = {role: next((n for n in names if n in table.columns), None) for role, names in _NAMES.items()}
    if columns["left"] is None or columns["right"] is None:
        return None
    for role in _NEEDED:
        if columns[role] is None:
            what = f"The file holds votes between two answers, but no column '{_NAMES[role][0]}'."
            raise BakeoffError("missing_columns", what, f"Name it {', '.join(_NAMES[role][:4])}.")
    reader = _Rows(table, {role: table.columns.index(name) for role, name in columns.items() if name is not None})
    votes = tuple(reader.vote(index) for index in range(len(table.rows)))
    _refuse_repeats(table, votes, columns["rater"])
    shared = _shared_columns(table, [vote.question for vote in votes], {n for n in columns.values() if n})
    left_out = tuple(n for n in table.columns if n not in shared and n not in columns.values())
    return RecordedVotes(reader.answers(votes, shared), votes, left_out)


class _Rows:
    def __init__(self, table: Table, at: Mapping[str, int]) -> None:
        self._table = table
        self._at = at

    def vote(self, index: int) -> RecordedVote:
        left, right = self._needed(index, "left"), self._needed(index, "right")
        if left == right:
            what = f"{self._table.place(index)}: '{left[:60]}' stands on both sides."
            raise BakeoffError("same_variant", what, "A vote is between the answers of two variants.")
        choice = self._choice(index, left, right)
        rater = self._needed(index, "rater") if "rater" in self._at else UNKNOWN_RATER
        return RecordedVote(self._needed(index, "question"), _plain(left), _plain(right), choice, rater)

    def answers(self, votes: Sequence[RecordedVote], shared: Sequence[str]) -> Table:
        found: dict[tuple[str, str], tuple[int, Row]] = {}
        kept = [self._table.columns.index(name) for name in shared]
        for index, vote in enumerate(votes):
            row = self._table.rows[index]
            for side, variant in (("left", vote.left), ("right", vote.right)):
                text = _last_answer(row[self._at[f"{side}_answer"]])
                place, known = found.setdefault(
                    (vote.question, variant), (index, (vote.question, variant, text, *(row[i] for i in kept)))
                )
                if known[2] != text:
                    where = f"{self._table.place(place)} and {self._table.place(index)}"
                    what = f"'{variant}' has two answers to '{vote.question[:60]}': {where}."
                    raise BakeoffError("answers_differ", what, "Give each answer a question of its own.")
        return Table(
            ("example_id", "variant", "output", *shared),
            [row for _, row in found.values()],
            [self._table.lines[index] for index, _ in found.values()],
            self._table.line_word,
            self._table.report,
        )

    def _needed(self, index: int, role: str) -> str:
        cell = self._table.rows[index][self._at[role]]
        if cell is None or not cell.strip():
            name = self._table.columns[self._at[role]]
            what = f"{self._table.place(index)} has no value in '{name}'."
            raise BakeoffError("missing_value", what, "Every vote needs one; leave the row out otherwise.")
        return cell.strip()

    def _choice(self, index: int, left: str, right: str) -> str:
        winner = self._needed(index, "winner")
        if winner in (left, right):
            return LEFT if winner == left else RIGHT
        choice = _WORDS.get(winner.lower())
        if choice is None:
            what = f"{self._table.place(index)}: '{winner[:60]}' is no winner of this vote."
            raise BakeoffError(
                "unknown_winner", what, "Write model_a, model_b, tie, tie (bothbad), or a variant's name."
            )
        return choice


def _plain(name: str) -> str:
    return nearest_plain_name(name, otherwise="variant")


def _last_answer(cell: str | None) -> str | None:
    """The text of an answer; of a conversation (a JSON list of messages) what the model said last."""
    if cell is None or not cell.lstrip().startswith("[{"):
        return cell
    try:
        messages = json.loads(cell)
        said = [m["content"] for m in messages if m["role"] == "assistant" and isinstance(m["content"], str)]
    except (ValueError, TypeError, KeyError, RecursionError):
        return cell
    return said[-1] if said else cell


def _refuse_repeats(table: Table, votes: Sequence[RecordedVote], rater_column: str | None) -> None:
    seen: dict[tuple[str, frozenset[str], str], int] = {}
    for index, vote in enumerate(votes):
        earlier = seen.setdefault((vote.question, frozenset((vote.left, vote.right)), vote.rater), index)
        if earlier == index:
            continue
        where = f"{table.place(earlier)} and {table.place(index)}"
        if rater_column is None:
            what = f"Two votes on the same answers to '{vote.question[:60]}' ({where}), and no column of raters."
            raise BakeoffError("same_vote_twice", what, f"Name who voted in one of: {', '.join(_NAMES['rater'])}.")
        what = f"'{vote.rater[:60]}' voted twice on the same answers to '{vote.question[:60]}': {where}."
        raise BakeoffError("same_vote_twice", what, "Keep one of the two rows.")


def _shared_columns(table: Table, questions: Sequence[str], taken: set[str]) -> tuple[str, ...]:
    """Further columns that say the same in all votes on a question: what the answers have in common."""
    taken = taken | {"example_id", "variant", "output"}
    return tuple(
        name
        for name in table.columns
        if name not in taken
        and len(set(zip(questions, table.column(name), strict=True))) == len(dict.fromkeys(questions))
    )
