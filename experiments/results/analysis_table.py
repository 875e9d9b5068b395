"""Outputs, scores and ratings → the analysis table: one row per unit × variant × metric (× repetition × rater).

The waist of the house: everything left of it makes these rows, everything right of it only reads them.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import TYPE_CHECKING

from experiments.vocabulary import OutputStatus, RowStatus

if TYPE_CHECKING:
    import pandas as pd

SYSTEM_COLUMNS = ("cost_usd", "latency_ms", "first_token_ms", "prompt_tokens", "completion_tokens")


def unit_ids(named: Sequence[str | None], content_hashes: Sequence[str]) -> list[str]:
    """One id per row: the row's name, else the hash of its content; what would not be unique gets ``#2``, ``#3``."""
    seen: Counter[str] = Counter()
    ids = []
    for name, content in zip(named, content_hashes, strict=True):
        base = name if name else content[:16]
        seen[base] += 1
        ids.append(base if seen[base] == 1 else f"{base}#{seen[base]}")
    return ids


def cluster_ids(units: Sequence[str], named: Sequence[str | None], inputs: Sequence[Hashable]) -> list[str]:
    """What belongs together when no column says so: rows of one name, else rows whose inputs are the same.

    Returns the first unit id of each group; ``inputs`` holds what fills the prompt in each row.
    """
    repeated = {name for name, count in Counter(n for n in named if n).items() if count > 1}
    first: dict[Hashable, str] = {}
    return [
        first.setdefault(("name", name) if name in repeated else ("inputs", row), unit)
        for unit, name, row in zip(units, named, inputs, strict=True)
    ]


def with_units(
    examples: pd.DataFrame,
    *,
    unit: str | None,
    cluster: str | None,
    inputs: Sequence[str] = (),
    slices: Sequence[str] = (),
) -> pd.DataFrame:
    """The examples with ``unit_id``, ``cluster_id`` and one column per slice.

    ``examples`` has ``example_id``, ``position``, ``content_hash`` and ``cell:<column>`` for each column
    named. ``inputs`` are the columns that fill the prompt. A row without a value in the cluster column is its
    own cluster.
    """
    import pandas as pd

    def cells(column: str) -> list[str | None]:
        # a frame turns None among texts into NaN, which is true where it should be false
        return [cell if isinstance(cell, str) else None for cell in examples[f"cell:{column}"]]

    named = cells(unit) if unit else [None] * len(examples)
    hashes = list(examples["content_hash"])
    ids = unit_ids(named, hashes)
    if cluster:
        clusters = [cell or f"row {own}" for cell, own in zip(cells(cluster), ids, strict=True)]
    else:
        rows = list(zip(*(cells(name) for name in inputs), strict=True)) if inputs else hashes
        clusters = cluster_ids(ids, named, rows)
    table = pd.DataFrame(
        {"example_id": examples["example_id"], "position": examples["position"], "unit_id": ids, "cluster_id": clusters}
    )
    for name in slices:
        table[name] = [cell or "(empty)" for cell in cells(name)]
    return table


def build(
    outputs: pd.DataFrame,
    scores: pd.DataFrame,
    ratings: pd.DataFrame,
    units: pd.DataFrame,
    *,
    variants: Mapping[str, str],
    metrics: Sequence[str],
    slices: Sequence[str] = (),
    votes: Collection[str] = (),
    control: str | None = None,
) -> pd.DataFrame:
    """The analysis table.

    ``outputs``, ``scores``, ``ratings`` as ``storage.frames`` gives them, ``units`` as ``with_units``; ``variants``
    maps ids to names; ``metrics`` are the scored metrics, ``votes`` those of them that say how a challenger fares
    against the ``control``. A rating that prefers one output to another names that one's variant in a column
    ``opponent``; the table has that column too when there are such ratings or votes. Columns: variant, unit_id,
    cluster_id, repetition, rater_id, metric, value, status, and the slices; sorted, so that equal evidence gives an
    equal table. A failed output has one row with the status ``error`` per metric; what was not measured has the
    status ``skipped``. The latency of an answer from the cache is skipped: it was measured under another load.
    """
    import pandas as pd

    base = outputs.merge(units, on="example_id", how="inner")
    base["variant"] = base["variant_id"].map(variants)
    parts = [
        _scored(base, scores, name) if name not in votes else _voted(base, scores, name, control) for name in metrics
    ]
    parts += [_measured(base, name) for name in SYSTEM_COLUMNS]
    parts.append(_measured(base.assign(total_tokens=base["prompt_tokens"] + base["completion_tokens"]), "total_tokens"))
    if len(ratings):
        parts.append(_rated(base, ratings))
    sides = ["opponent"] if votes or ("opponent" in ratings and ratings["opponent"].notna().any()) else []
    people = ["rater_id", *sides]
    columns = ["variant", "unit_id", "cluster_id", "repetition", *people, "metric", "value", "status", *slices]
    told = [part.assign(**{name: part.get(name) for name in people})[columns] for part in parts]
    table = pd.concat(told, ignore_index=True)
    keys = ["metric", "unit_id", "variant", "repetition", *people]
    return table.sort_values(keys, kind="stable", na_position="first").reset_index(drop=True)


def data_hash(table: pd.DataFrame) -> str:
    """SHA-256 of the table's text form."""
    return hashlib.sha256(table.to_csv(index=False, lineterminator="\n").encode("utf-8", "surrogatepass")).hexdigest()


def _scored(base: pd.DataFrame, scores: pd.DataFrame, metric: str) -> pd.DataFrame:
    own = scores.loc[scores["metric"] == metric, ["output_id", "value"]]
    rows = base.merge(own, on="output_id", how="left")
    return _with_status(rows, metric)


def _voted(base: pd.DataFrame, scores: pd.DataFrame, metric: str, control: str | None) -> pd.DataFrame:
    challengers = base[base["variant"] != control]
    return _scored(challengers, scores, metric).assign(opponent=control)


def _measured(base: pd.DataFrame, column: str) -> pd.DataFrame:
    import pandas as pd

    values = pd.to_numeric(base[column], errors="coerce").astype(float)
    if column.endswith("_ms"):
        values = values.where(~base["cached"].astype(bool))
    return _with_status(base.assign(value=values), column)


def _rated(base: pd.DataFrame, ratings: pd.DataFrame) -> pd.DataFrame:
    rows = ratings.merge(base, on="output_id", how="inner")
    return rows.assign(status=RowStatus.OK.value)


def _with_status(rows: pd.DataFrame, metric: str) -> pd.DataFrame:
    answered = rows["status"] == OutputStatus.OK.value
    values = rows["value"].astype(float).where(answered)
    status = answered.map({True: RowStatus.OK.value, False: RowStatus.ERROR.value})
    status = status.where(~(answered & values.isna()), RowStatus.SKIPPED.value)
    return rows.assign(metric=metric, value=values, status=status)
