"""What a result says of the people behind it: for whom it speaks, and how far they agree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.stats.estimates import Interval
from experiments.wording import MINUS, amount, between, count


def rater_sentences(result: Mapping[str, Any], treatment: str) -> tuple[str, ...]:
    """Where ratings decide on this challenger: the effect for its raters and for raters in general, and agreement.

    ``result`` is the results JSON. Empty where the deciding metric was not rated by people.
    """
    [primary] = [
        c
        for c in result["comparisons"]
        if c["role"] == "primary" and c["slice"] is None and c["treatment"] == treatment
    ] or [None]
    if primary is None:
        return ()
    agreement = next((one for one in result["agreement"] if one["metric"] == primary["metric"]), None)
    return () if agreement is None else (*_effects(primary), _agreement(agreement))


def _effects(c: Mapping[str, Any]) -> tuple[str, ...]:
    details = c["details"]
    if c["status"] != "ok" or "raters" not in details:
        return ()
    raters = count(details["raters"], "rater")
    if "general_lower" not in details:
        return (f"The result speaks for its {raters}, not for raters in general.",)
    these = Interval(c["estimate"], details["these_raters_lower"], details["these_raters_upper"])
    general = Interval(*(details[f"general_{part}"] for part in ("estimate", "lower", "upper")))
    return (
        f"For these {raters}: {_effect(these, c['unit'])}.",
        f"For raters in general, with strict and mild ones evened out: {_effect(general, c['unit'])}.",
    )


def _effect(interval: Interval, unit: str) -> str:
    return f"{amount(interval.estimate, unit, sign=True)}, very likely {between(interval, unit)}"


def _agreement(agreement: Mapping[str, Any]) -> str:
    gwet, alpha = agreement.get("gwet"), agreement["alpha"]
    if gwet is None and alpha is None:
        return f"Whether raters agree is not known: {agreement['message']}."
    said = []
    if gwet is not None:
        said.append(f"Gwet's {gwet['name']} is {_of_one(gwet)}")
    if alpha is None:
        said.append(f"there is no Krippendorff's alpha ({agreement['message']})")
    else:
        limits = {"estimate": alpha, "lower": agreement["lower"], "upper": agreement["upper"]}
        said.append(f"Krippendorff's alpha is {_of_one(limits)}")
    return f"Agreement beyond chance: {'; '.join(said)}."


def _of_one(figures: Mapping[str, float]) -> str:
    told = f"{figures['estimate']:.2f} of 1, very likely between {figures['lower']:.2f} and {figures['upper']:.2f}"
    return told.replace("-", MINUS)
