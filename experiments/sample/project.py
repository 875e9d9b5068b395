"""The sample's parts as values: the test set, the prompts with their notes, the experiments, what people are asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from importlib import resources
from typing import Any

from pydantic import BaseModel, ConfigDict

from experiments.experiment_file import ExperimentSpec, ScorerEntry, parse_experiment
from experiments.prompts.content import PromptContent, text_prompt
from experiments.ratings.session_file import SessionSpec, session_from
from experiments.strict_yaml import parse_yaml

TICKETS = "support-tickets"
TICKETS_FILE = "support_replies.csv"
ROLES: Mapping[str, Any] = {
    "unit": "ticket_id",
    "cluster": "customer",
    "reference": "reference",
    "slices": ["language", "plan", "channel"],
}
REPLY_PROMPT, TOPIC_PROMPT = "support-reply", "ticket-topic"

AUTHOR = "sample"
"""Who wrote and did everything in the sample; a version by anybody else is that person's work."""
SETTING = "sample_loaded"
"""The setting that says that the sample was loaded once, and which rows are its own."""


@dataclass(frozen=True, slots=True)
class SampleVersion:
    """One version of a sample prompt and its note."""

    content: PromptContent
    note: str


@dataclass(frozen=True, slots=True)
class LoadedSample:
    """The ids of what the sample brought: prompts, test sets, experiments, quality checks, and its own raters."""

    prompts: tuple[str, ...]
    datasets: tuple[str, ...]
    experiments: tuple[str, ...]
    checks: tuple[str, ...] = ()
    raters: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, as the setting keeps them."""
        return {name: list(ids) for name, ids in asdict(self).items()}

    @classmethod
    def from_setting(cls, value: Mapping[str, Any] | None) -> LoadedSample | None:
        """What the setting tells; None when the sample was never loaded, or was removed."""
        if value is None or "prompts" not in value:
            return None
        names = (field.name for field in fields(cls))
        return cls(**{name: tuple(value.get(name, ())) for name in names})


def tickets() -> bytes:
    """The test set as a CSV file, one ticket a row; the bodies are told apart by nothing but their words."""
    return resources.files(__package__).joinpath(TICKETS_FILE).read_bytes()


@cache
def prompt_versions(name: str) -> tuple[SampleVersion, ...]:
    """The versions of a sample prompt, oldest first: the n-th becomes version n. Raises KeyError for another name."""
    values, _ = parse_yaml(_text("prompts.yaml"), source="the sample's prompts")
    prompt = _Prompt.model_validate(values[name])
    return tuple(
        SampleVersion(text_prompt(version.text, model=prompt.model, parameters=prompt.parameters), version.note)
        for version in prompt.versions
    )


def reply_experiment() -> ExperimentSpec:
    """The experiment on replies: B wins the main measure, loses German, and breaks a limit."""
    return parse_experiment(_text("support_reply.yaml"), source="the sample's experiment")


def topic_experiment() -> ExperimentSpec:
    """The experiment on sorting tickets: B wins and may be promoted."""
    return parse_experiment(_text("ticket_topic.yaml"), source="the sample's experiment")


def live_experiment() -> ExperimentSpec:
    """The live test of version 3 against 1: it runs, B is ahead, and nothing is decided."""
    return parse_experiment(_text("support_reply_live.yaml"), source="the sample's live test")


def rating_session(name: str) -> SessionSpec:
    """One of the sample's rating sessions: ``preferred``, ``helpful``, ``right_queue``. Raises KeyError for another."""
    values, _ = parse_yaml(_text("asking_people.yaml"), source="the sample's rating sessions")
    return session_from(values[name])


def quality_check() -> ScorerEntry:
    """The judge that is saved as a quality check and applied to the replies."""
    values, _ = parse_yaml(_text("quality_check.yaml"), source="the sample's quality check")
    return dict(values)


class _Version(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    note: str
    text: str


class _Prompt(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str
    parameters: dict[str, Any]
    versions: tuple[_Version, ...]


def _text(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")
