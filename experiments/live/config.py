"""All that is needed to answer live traffic without a database: the live tests by key, and what each label serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from experiments.live.assignment import LiveState, LiveTest, Served, Shadow
from experiments.plans.pricing import Price


@dataclass(frozen=True, slots=True)
class LabelledPrompt:
    """A prompt: its labels and the versions that they point at."""

    labels: Mapping[str, int]
    versions: Mapping[int, Served]

    def at(self, label_or_version: str) -> Served | None:
        """What a label or a version number serves; None for a label that is not set, or a version without a label."""
        number = self.labels.get(label_or_version)
        if number is None and label_or_version.isdecimal():
            number = int(label_or_version)
        return self.versions.get(number) if number is not None else None


@dataclass(frozen=True, slots=True)
class LiveConfig:
    """One state of the installation. ``version`` changes with every change, and serves as ETag."""

    version: str = ""
    tests: Mapping[str, LiveTest] = field(default_factory=dict)
    prompts: Mapping[str, LabelledPrompt] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values, for keeping on disk."""
        return {
            "version": self.version,
            "tests": [_test_to_json(test) for test in self.tests.values()],
            "prompts": {
                name: {
                    "labels": dict(prompt.labels),
                    "versions": [_served_to_json(served) for served in prompt.versions.values()],
                }
                for name, prompt in self.prompts.items()
            },
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> LiveConfig:
        """What ``to_json`` wrote. Raises KeyError, TypeError or ValueError for anything else."""
        tests = [_test_from_json(test) for test in values["tests"]]
        return cls(
            version=values["version"],
            tests={test.key: test for test in tests},
            prompts={name: _prompt_from_json(prompt) for name, prompt in values["prompts"].items()},
        )


def _prompt_from_json(values: Mapping[str, Any]) -> LabelledPrompt:
    served = [_served_from_json(version) for version in values["versions"]]
    return LabelledPrompt(dict(values["labels"]), {one.version: one for one in served})


def _served_to_json(served: Served) -> dict[str, Any]:
    return {
        "prompt": served.prompt,
        "version": served.version,
        "content_hash": served.content_hash,
        "messages": [dict(message) for message in served.messages],
        "model": served.model,
        "parameters": dict(served.parameters),
    }


def _served_from_json(values: Mapping[str, Any]) -> Served:
    return Served(**{**values, "messages": tuple(values["messages"])})


_PLAIN = ("key", "experiment", "phase", "seed", "control", "everyone", "layer", "holdout", "score_share", "falls_back")
"""Fields of a live test that are JSON values as they are."""


def _test_to_json(test: LiveTest) -> dict[str, Any]:
    shadow = test.shadow
    return {
        **{name: getattr(test, name) for name in _PLAIN},
        "state": test.state.value,
        "variants": list(test.variants),
        "limits": list(test.limits),
        "enrolled": [list(ends) for ends in test.enrolled],
        "targeting": {name: sorted(values) for name, values in test.targeting.items()},
        "forced": dict(test.forced),
        "slices": list(test.slices),
        "shadow": {"variants": list(shadow.variants), "share": shadow.share} if shadow else None,
        "served": {name: _served_to_json(served) for name, served in test.served.items()},
        "prices": {model: asdict(price) for model, price in test.prices.items()},
    }


def _test_from_json(values: Mapping[str, Any]) -> LiveTest:
    shadow = values["shadow"]
    return LiveTest(
        **{name: values[name] for name in _PLAIN},
        state=LiveState(values["state"]),
        variants=tuple(values["variants"]),
        limits=tuple(values["limits"]),
        enrolled=tuple((first, end) for first, end in values["enrolled"]),
        targeting={name: frozenset(wanted) for name, wanted in values["targeting"].items()},
        forced=values["forced"],
        slices=tuple(values["slices"]),
        shadow=Shadow(tuple(shadow["variants"]), shadow["share"]) if shadow else None,
        served={name: _served_from_json(served) for name, served in values["served"].items()},
        prices={model: Price(**price) for model, price in values.get("prices", {}).items()},
    )
