"""Writes ``experiments/price_snapshot.json`` from the price map that is bundled with the installed litellm.

Run by hand after an upgrade of litellm, and look at the difference before you commit it:

    python -m experiments.completions.make_price_snapshot

Kept are chat models only, with what Bakeoff shows or computes: provider, dollars per million tokens (input, output,
cached input), context window, longest answer, retirement date, and the prices beyond a long-context threshold.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from experiments.completions.litellm_setup import litellm_module
from experiments.plans.pricing import PER_MILLION, runs_locally

TARGET = Path(__file__).resolve().parent.parent / "plans" / "price_snapshot.json"
CHAT_MODES = frozenset({"chat", "responses"})
ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
LONG_INPUT = re.compile(r"input_cost_per_token_above_(\d+)k_tokens")


def snapshot(price_map: Mapping[str, Mapping[str, Any]], *, providers: list[str], version: str) -> dict[str, Any]:
    """The snapshot as JSON values. ``sample_spec``, whose fields are sentences, is left out."""
    models = {
        name: row(name, entry)
        for name, entry in sorted(price_map.items())
        if name != "sample_spec" and entry.get("mode") in CHAT_MODES and "*" not in name
    }
    return {
        "source": f"litellm {version}",
        "made_on": datetime.now(UTC).date().isoformat(),
        "columns": [
            "provider",
            "input_per_million",
            "output_per_million",
            "cached_input_per_million",
            "context_tokens",
            "max_output_tokens",
            "retires",
            "long: above_tokens, input_per_million, output_per_million",
        ],
        "providers": providers,
        "models": models,
    }


def row(name: str, entry: Mapping[str, Any]) -> list[Any]:
    """One model as a list in the order of ``columns``; what is not known is None."""
    base = {**entry, **_first_tier(entry)}
    per_input = _per_million(base.get("input_cost_per_token"))
    per_output = _per_million(base.get("output_cost_per_token"))
    if not per_input and not per_output and not runs_locally(name):
        # the map writes 0 for free previews and for prices it does not know; neither is a known price of 0
        per_input = per_output = None
    retires = entry.get("deprecation_date")
    return [
        entry.get("litellm_provider", ""),
        per_input,
        per_output,
        _per_million(base.get("cache_read_input_token_cost")),
        _count(entry.get("max_input_tokens")),
        _count(entry.get("max_output_tokens")),
        retires if isinstance(retires, str) and ISO_DATE.fullmatch(retires) else None,
        _long_context(entry),
    ]


def text_of(content: Mapping[str, Any]) -> str:
    """The file's text: one model a line, so that a renewal can be read as a difference."""
    head = {k: v for k, v in content.items() if k != "models"}
    lines = [
        f"{json.dumps(name)}:{json.dumps(entry, separators=(',', ':'))}" for name, entry in content["models"].items()
    ]
    return json.dumps(head, indent=1)[:-2] + ',\n "models": {\n' + ",\n".join(lines) + "\n}}\n"


def _first_tier(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    tiers = entry.get("tiered_pricing")
    return tiers[0] if "input_cost_per_token" not in entry and tiers else {}


def _long_context(entry: Mapping[str, Any]) -> list[Any] | None:
    thresholds = sorted(int(m[1]) for key in entry if (m := LONG_INPUT.fullmatch(key)))
    if thresholds:
        first = thresholds[0]
        return [
            first * 1000,
            _per_million(entry[f"input_cost_per_token_above_{first}k_tokens"]),
            _per_million(entry.get(f"output_cost_per_token_above_{first}k_tokens")),
        ]
    tiers = entry.get("tiered_pricing") or []
    if len(tiers) < 2 or not tiers[0].get("range"):
        return None
    later = tiers[1]
    return [
        int(tiers[0]["range"][1]),
        _per_million(later.get("input_cost_per_token")),
        _per_million(later.get("output_cost_per_token")),
    ]


def _per_million(per_token: object) -> float | None:
    if isinstance(per_token, bool) or not isinstance(per_token, int | float):
        return None
    return round(per_token * PER_MILLION, 6)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def main() -> None:
    """Write the file and say how many models it holds."""
    litellm: Any = litellm_module()
    registry = importlib.import_module("litellm.llms.openai_like.json_loader").JSONProviderRegistry
    providers = {str(getattr(p, "value", p)) for p in litellm.provider_list} | set(registry.list_providers())
    content = snapshot(litellm.model_cost, providers=sorted(providers), version=metadata.version("litellm"))
    TARGET.write_text(text_of(content), "utf-8")
    sys.stdout.write(f"{len(content['models'])} models from {content['source']}\n")


if __name__ == "__main__":
    main()
