"""From thumbs and disagreements to what a person may accept: rules, lines of a rubric, examples for the judge.

Nothing here is applied by itself, and no model is asked: each suggestion says what it was seen from.
"""

from __future__ import annotations

import json
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from experiments.judges.remarks import Remark
from experiments.scoring.reasons import one_line, quote
from experiments.scoring.words import words
from experiments.wording import count

Kind = Literal["rule", "rubric", "example"]

FEWEST = 3
MOST = 8
LEAST_GAP = 0.4
"""Share of liked answers minus share of disliked ones by which a phrase must differ to be worth a rule."""
COMMON = frozenset(
    re.findall(
        r"\w+",
        """the a an and or of to in on for with is are was were be been it this that these those you your we our i they
        not no so but as at by from can will would should could have has had do does did very too just more most all
        any there here what which who how when if then than its their them he she his her about into out up down over
        """,
    )
)
PHRASE_WORDS = (2, 3, 4)
LONGEST_EXAMPLE = 2000


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One thing to accept or leave.

    ``rule``: ``entry`` is a scorer. ``rubric``: ``text`` is a line for the rubric. ``example``: ``entry`` holds the
    answer, verdict and reason to show the judge. ``why`` tells what it was seen from, ``rows`` how many answers.
    """

    kind: Kind
    text: str
    why: str
    rows: int
    entry: dict[str, Any] | None = None


def suggestions_from(remarks: Sequence[Remark]) -> tuple[Suggestion, ...]:
    """At most eight suggestions, examples of misjudged answers first; empty without answers that people disliked."""
    liked = [r for r in remarks if r.liked]
    disliked = [r for r in remarks if r.disliked]
    if not disliked:
        return ()
    found = [*_examples(remarks), *_from_comments(disliked)]
    if len(liked) >= FEWEST and len(disliked) >= FEWEST:
        found += [*_length(liked, disliked), *_json(liked, disliked), *_phrases(liked, disliked)]
    return tuple(found[:MOST])


def _examples(remarks: Sequence[Remark]) -> list[Suggestion]:
    """The clearest answer of each kind that the judge got wrong; those with a reason first."""
    found = []
    for verdict, wrong in (
        ("fail", [r for r in remarks if r.misjudged and r.disliked]),
        ("pass", [r for r in remarks if r.misjudged and r.liked]),
    ):
        if not wrong:
            continue
        best = max(wrong, key=lambda r: (bool(r.comments), abs(r.people - 0.5), -len(r.answer)))
        said = "passed" if verdict == "fail" else "failed"
        meant = "disliked" if verdict == "fail" else "liked"
        reason = one_line(best.comments[0]) if best.comments else f"people {meant} it"
        found.append(
            Suggestion(
                "example",
                f"Show the judge this answer as a {verdict}: {quote(best.answer, 120)}",
                f"The judge {said} {count(len(wrong), 'answer')} that people {meant}.",
                len(wrong),
                {"answer": best.answer[:LONGEST_EXAMPLE], "verdict": verdict, "reason": reason},
            )
        )
    return found


def _from_comments(disliked: Sequence[Remark]) -> list[Suggestion]:
    """A line for each word that several raters' comments share, quoting the shortest of them."""
    told: dict[str, list[str]] = defaultdict(list)
    for remark in disliked:
        for comment in remark.comments:
            for word in {w.lower() for w in words(comment)} - COMMON:
                if len(word) > 3:
                    told[word].append(comment)
    found, used = [], set[str]()
    for _word, comments in sorted(told.items(), key=lambda item: (-len(item[1]), item[0])):
        fresh = [c for c in comments if c not in used]
        if len(fresh) < FEWEST - 1:
            continue
        used.update(comments)
        shortest = one_line(min(fresh, key=len), 160).rstrip(".")
        why = f"{count(len(comments), 'comment')} on disliked answers say so."
        found.append(Suggestion("rubric", f"Fails when people would say: {shortest}.", why, len(comments)))
    return found[:3]


def _length(liked: Sequence[Remark], disliked: Sequence[Remark]) -> list[Suggestion]:
    good, bad = ([len(words(r.answer)) for r in group] for group in (liked, disliked))
    longer = sum(b > g for g in good for b in bad) + sum(b == g for g in good for b in bad) / 2
    share = longer / (len(good) * len(bad))
    if share >= 0.5 + LEAST_GAP / 2:
        limit = _rounded_up(statistics.quantiles(good, n=10)[-1] if len(good) > 1 else good[0])
        told, entry = f"At most {limit} words.", {"length": {"name": "short_enough", "max_words": limit}}
    elif share <= 0.5 - LEAST_GAP / 2:
        limit = max(1, int(statistics.quantiles(good, n=10)[0]) if len(good) > 1 else good[0])
        told, entry = f"At least {limit} words.", {"length": {"name": "long_enough", "min_words": limit}}
    else:
        return []
    why = (
        f"Disliked answers have {statistics.median(bad):.0f} words, liked ones {statistics.median(good):.0f} (medians)."
    )
    return [Suggestion("rule", told, why, len(bad), entry)]


def _json(liked: Sequence[Remark], disliked: Sequence[Remark]) -> list[Suggestion]:
    if not all(_is_json(r.answer) for r in liked):
        return []
    broken = sum(not _is_json(r.answer) for r in disliked)
    if broken < FEWEST:
        return []
    why = f"All liked answers are JSON, {broken} of {len(disliked)} disliked ones are not."
    return [Suggestion("rule", "The answer is valid JSON.", why, broken, {"json_valid": {"name": "is_json"}})]


def _phrases(liked: Sequence[Remark], disliked: Sequence[Remark]) -> list[Suggestion]:
    """The phrase that tells disliked answers best, and the one that tells liked ones; as rules on the plain text."""
    good, bad = (Counter(p for r in group for p in _phrases_in(r.answer)) for group in (liked, disliked))
    found = []
    for own, n, other, m, negate in (
        (bad, len(disliked), good, len(liked), True),
        (good, len(liked), bad, len(disliked), False),
    ):
        scored = [
            (own[p] / n - other[p] / m, len(p), p)
            for p in own
            if own[p] >= FEWEST and own[p] / n - other[p] / m >= LEAST_GAP
        ]
        if not scored:
            continue
        _, _, phrase = max(scored)
        name = "avoids_phrase" if negate else "holds_phrase"
        told = f"The answer {'does not say' if negate else 'says'} {quote(phrase)}."
        whose, others = ("disliked", "liked") if negate else ("liked", "disliked")
        why = f"{own[phrase]} of {n} {whose} answers say it, {other[phrase]} of {m} {others} ones."
        entry = {
            "contains": {"name": name, "text": phrase, "ignore_case": True, **({"negate": True} if negate else {})}
        }
        found.append(Suggestion("rule", told, why, own[phrase], entry))
    return found


def _phrases_in(text: str) -> set[str]:
    """The phrases of two to four words of a text, each once, that hold more than common words."""
    found = set()
    for sentence in re.split(r"[.!?;:\n]+", text.lower()):
        parts = re.findall(r"[\w'’-]+", sentence)
        for size in PHRASE_WORDS:
            for start in range(len(parts) - size + 1):
                piece = parts[start : start + size]
                if sum(w not in COMMON for w in piece) >= 1:
                    phrase = " ".join(piece)
                    if phrase in text.lower():
                        found.add(phrase)
    return found


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _rounded_up(limit: float) -> int:
    step = 5 if limit < 50 else 10
    return int(-(-limit // step) * step)
