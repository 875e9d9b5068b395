"""Which buckets of a layer a live test owns: it grows into what is free, shrinks from its youngest end, shares none."""

from __future__ import annotations

from collections.abc import Iterable

from experiments.live.assignment import BUCKETS, Ranges

RAMP = (1, 5, 10, 25, 50, 100)
"""Usual steps, in per cent of all units."""


def size(ranges: Iterable[tuple[int, int]]) -> int:
    """How many buckets the ranges hold."""
    return sum(end - first for first, end in ranges)


def free(taken: Iterable[tuple[int, int]]) -> Ranges:
    """The buckets that nobody holds, in order."""
    gaps, passed = [], 0
    for first, end in sorted(taken):
        if first > passed:
            gaps.append((passed, first))
        passed = max(passed, end)
    if passed < BUCKETS:
        gaps.append((passed, BUCKETS))
    return tuple(gaps)


def resized(own: Ranges, wanted: int, *, taken: Iterable[tuple[int, int]], start: int = 0) -> Ranges | None:
    """``own`` brought to ``wanted`` buckets; None when the layer has not so many left.

    It grows from its last bucket on (or from ``start``) around the ring, skipping what is ``taken`` by others, and
    shrinks from the end that came last, so that a unit which takes part is the last to leave.
    """
    more = wanted - size(own)
    if more <= 0:
        return _shrunk(own, -more)
    gaps = free([*taken, *own])
    if size(gaps) < more:
        return None
    begin = own[-1][1] if own else start
    after = [(max(first, begin), end) for first, end in gaps if end > begin]
    before = [(first, min(end, begin)) for first, end in gaps if first < begin]
    grown = list(own)
    for first, end in (*after, *before):
        taking = min(more, end - first)
        if taking:
            _append(grown, first, first + taking)
            more -= taking
    return tuple(grown)


def _append(ranges: list[tuple[int, int]], first: int, end: int) -> None:
    if ranges and ranges[-1][1] == first:
        ranges[-1] = (ranges[-1][0], end)
    else:
        ranges.append((first, end))


def _shrunk(own: Ranges, less: int) -> Ranges:
    kept = list(own)
    while less:
        first, end = kept.pop()
        leaving = min(less, end - first)
        less -= leaving
        if end - leaving > first:
            kept.append((first, end - leaving))
    return tuple(kept)
