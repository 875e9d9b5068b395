"""The settings of one call: the version's come first, the caller's fill the gaps, and one thing is set by one name.

Providers know several names for one setting, and refuse a request (or obey the wrong one) when two of them come. So a
setting of the version displaces every form of it that the caller sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.completions.parameters import RESERVED_IN_EXTRA_BODY

SYNONYMS: tuple[frozenset[str], ...] = (
    frozenset({"max_tokens", "max_completion_tokens", "max_output_tokens", "num_predict"}),
    frozenset({"tools", "functions"}),
    frozenset({"tool_choice", "function_call"}),
    frozenset({"reasoning_effort", "reasoning", "thinking", "think", "enable_thinking", "thinking_budget"}),
    frozenset(
        {
            *("response_format", "format", "guided_json", "guided_regex", "guided_choice", "guided_grammar"),
            *("structured_outputs",),
        }
    ),
    frozenset({"stop", "stop_sequences"}),
    frozenset({"seed", "random_seed"}),
)
"""Names of one and the same setting; a name that stands in none of these sets is a setting of its own."""
OLD_FORM, NEW_FORM = frozenset({"functions", "function_call"}), frozenset({"tools", "tool_choice"})
"""A request speaks of tools in the old form or in the new one, never in both."""
EXTRA = "extra_body"


def merged_parameters(version: Mapping[str, Any], caller: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that are sent: all of the version's, and those of the caller's that say nothing else about them.

    What either holds under ``extra_body`` counts as if it stood beside it. Model, messages and streaming cannot be set
    that way.
    """
    displaced = _displaced(version)
    merged = {name: value for name, value in caller.items() if name not in displaced} | dict(version)
    own, theirs = version.get(EXTRA), caller.get(EXTRA)
    if isinstance(theirs, Mapping):
        reserved = displaced | RESERVED_IN_EXTRA_BODY
        filling = {name: value for name, value in theirs.items() if name not in reserved}
        merged[EXTRA] = {**filling, **(own if isinstance(own, Mapping) else {})}
    if "tools" in displaced and "tool_choice" not in displaced and not isinstance(caller.get("tool_choice"), str):
        merged.pop("tool_choice", None)  # it names one of the caller's tools, which are not sent
    return merged


def _displaced(version: Mapping[str, Any]) -> set[str]:
    """Names that the caller may not send: those of the version, and all that mean the same."""
    extra = version.get(EXTRA)
    own = {*version, *(extra if isinstance(extra, Mapping) else ())}
    displaced = set(own)
    for names in SYNONYMS:
        if names & own:
            displaced |= names
    for one, other in ((OLD_FORM, NEW_FORM), (NEW_FORM, OLD_FORM)):
        if own & one:
            displaced |= other
    return displaced
