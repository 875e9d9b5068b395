"""The ``providers`` of a promptfoo configuration → models named as in litellm, with their parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from experiments.promptfoo.findings import Findings, Place

_VENDORS = {
    "anthropic": "anthropic",
    "azure": "azure",
    "azureopenai": "azure",
    "bedrock": "bedrock",
    "cerebras": "cerebras",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "fireworks": "fireworks_ai",
    "github": "github",
    "google": "gemini",
    "groq": "groq",
    "mistral": "mistral",
    "ollama": "ollama",
    "openai": "openai",
    "openrouter": "openrouter",
    "perplexity": "perplexity",
    "togetherai": "together_ai",
    "vertex": "vertex_ai",
    "xai": "xai",
}
_CHAT_WORDS = ("chat", "messages")
_OTHER_WORDS = ("completion", "embedding", "embeddings", "image", "realtime", "assistant", "responses", "text")
_PARAMETERS = {
    name: name
    for name in (
        "temperature",
        "max_tokens",
        "max_completion_tokens",
        "top_p",
        "top_k",
        "frequency_penalty",
        "presence_penalty",
        "stop",
        "seed",
        "response_format",
        "tools",
        "tool_choice",
        "reasoning_effort",
        "logit_bias",
    )
} | {"maxOutputTokens": "max_tokens", "topP": "top_p", "topK": "top_k", "stopSequences": "stop"}
_PRICES = ("cost", "inputCost", "outputCost")


@dataclass(frozen=True, slots=True)
class FoundProvider:
    """One model with its parameters; ``prompt_labels`` restricts the prompts that it is given, None means all."""

    label: str
    model: str
    parameters: dict[str, Any]
    prompt_labels: tuple[str, ...] | None = None


def read_providers(value: Any, place: Place, findings: Findings) -> list[FoundProvider]:  # noqa: ANN401
    """All models in their order; what cannot be expressed is remembered in the findings."""
    if value is None:
        findings.refuse(place, "no providers")
        return []
    entries = value if isinstance(value, list) else [value]
    found = []
    for index, entry in enumerate(entries):
        at = place.at(index) if isinstance(value, list) else place
        provider = _provider(entry, at, findings)
        if provider is not None:
            found.append(provider)
    return found


def _provider(entry: Any, place: Place, findings: Findings) -> FoundProvider | None:  # noqa: ANN401
    if isinstance(entry, str):
        model = _model(entry, place, findings)
        return FoundProvider(_short(model), model, {}) if model else None
    if isinstance(entry, dict) and "id" not in entry and len(entry) == 1:
        [(name, options)] = entry.items()
        if isinstance(options, dict | None):
            return _from_options({**(options or {}), "id": name}, place.at(name), findings)
    if isinstance(entry, dict) and isinstance(entry.get("id"), str):
        return _from_options(entry, place, findings)
    findings.refuse(place, "a provider without an id")
    return None


def _from_options(options: dict[str, Any], place: Place, findings: Findings) -> FoundProvider | None:
    for key in options:
        if key == "delay":
            findings.note("The delay between calls is not taken over; set limits.concurrency instead.")
        elif key not in ("id", "label", "config", "prompts"):
            findings.refuse(place.at(key), f"the provider setting '{key}'")
    model = _model(options["id"], place, findings)
    parameters = _parameters(options.get("config"), place.at("config"), findings)
    labels = options.get("prompts")
    if labels is not None and not (isinstance(labels, list) and all(isinstance(p, str) for p in labels)):
        findings.refuse(place.at("prompts"), "a choice of prompts that is no list of labels")
        labels = None
    if model is None:
        return None
    label = options.get("label")
    return FoundProvider(
        label if isinstance(label, str) and label.strip() else _short(model),
        model,
        parameters,
        None if labels is None else tuple(labels),
    )


def _model(name: str, place: Place, findings: Findings) -> str | None:
    vendor, _, rest = name.partition(":")
    if vendor == "litellm" and rest:
        return rest
    if vendor not in _VENDORS or not rest:
        findings.refuse(place, f"the provider {name[:80]!r}")
        return None
    kind, _, model = rest.partition(":")
    if kind in _CHAT_WORDS and model:
        return f"{_VENDORS[vendor]}/{model}"
    if kind in _OTHER_WORDS:
        findings.refuse(place, f"the provider {name[:80]!r} (only chat models are called)")
        return None
    return f"{_VENDORS[vendor]}/{rest}"


def _parameters(config: Any, place: Place, findings: Findings) -> dict[str, Any]:  # noqa: ANN401
    if config is None:
        return {}
    if not isinstance(config, dict):
        findings.refuse(place, "a provider configuration that is no mapping")
        return {}
    parameters = {}
    for key, value in config.items():
        at = place.at(key)
        if key == "apiKey":
            findings.note("A key in the configuration was not read; keys come from the environment.")
        elif key in _PRICES:
            findings.note("Prices in the configuration were not read; write unknown ones under 'prices'.")
        elif key not in _PARAMETERS:
            findings.refuse(at, f"the provider setting '{key}'")
        elif isinstance(value, str) and value.startswith("file://"):
            findings.refuse(at, f"{value[:80]}, a parameter kept in a file")
        else:
            parameters[_PARAMETERS[key]] = value
    return parameters


def _short(model: str) -> str:
    return model.rsplit("/", 1)[-1]
