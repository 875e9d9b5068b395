"""An experiment put together from its rows: what to send, how to score, which columns mean what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from experiments.errors import BakeoffError
from experiments.experiment_file import ExperimentSpec
from experiments.judges import JUDGE, Judge, bind_judge
from experiments.live.metrics import live_metrics
from experiments.loading.runs.custom_scorers import custom_scorers
from experiments.plans.plan import SYSTEM_METRICS, MetricDefinition
from experiments.prompts.content import PromptContent, content_of
from experiments.prompts.rendering import render
from experiments.ratings.session_file import SessionSpec
from experiments.scoring import BoundScorer, bind
from experiments.thinking import without_thinking
from experiments.vocabulary import Direction, MetricKind, Request
from storage.records import DatasetVersionRecord, ExampleRecord, ExperimentRecord, ScorerUseRecord
from storage.store import Transaction


@dataclass(frozen=True)
class Arm:
    """One variant, ready to be rendered; ``content`` is None for imported answers."""

    id: str
    position: int
    name: str
    model: str
    content: PromptContent | None


@dataclass(frozen=True)
class Roles:
    """Which column of the test set means what; ``inputs`` maps variables to columns."""

    inputs: Mapping[str, str] = field(default_factory=dict)
    reference: str | None = None
    unit: str | None = None
    cluster: str | None = None
    slices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Blueprint:
    """Everything about an experiment that does not change while it runs."""

    experiment: ExperimentRecord
    spec: ExperimentSpec
    arms: tuple[Arm, ...]
    scorer_uses: tuple[ScorerUseRecord, ...]
    dataset: DatasetVersionRecord | None
    roles: Roles
    rated: tuple[MetricDefinition, ...] = ()
    """Metrics that people give: planned in the file, or asked for in a rating session."""

    @cached_property
    def scorers(self) -> tuple[BoundScorer, ...]:
        """The scorers in use that are code (imported scores have none).

        Raises:
            BakeoffError: ``scorer_changed`` when one is not what it was: its scores would not be comparable.
        """
        custom = custom_scorers()
        bound = []
        for use in self.scorer_uses:
            if use.scorer in (IMPORTED, JUDGE):
                continue
            scorer = bind(use.entry, custom=custom)
            self._refuse_changed(use, scorer.fingerprint)
            bound.append(scorer)
        return tuple(bound)

    @cached_property
    def judges(self) -> tuple[Judge, ...]:
        """The judges in use, each once, however many metrics it gives.

        Raises:
            BakeoffError: ``scorer_changed`` when judges are worded otherwise since.
        """
        found: dict[str, Judge] = {}
        for use in self.scorer_uses:
            if use.scorer == JUDGE:
                judge = bind_judge(use.entry)
                self._refuse_changed(use, judge.fingerprint)
                found.setdefault(judge.metric, judge)
        return tuple(found.values())

    def judged_metrics(self) -> frozenset[str]:
        """Names of the metrics that judges give."""
        return frozenset(use.metric for use in self.scorer_uses if use.scorer == JUDGE)

    def _refuse_changed(self, use: ScorerUseRecord, fingerprint: str) -> None:
        if fingerprint != use.fingerprint:
            raise BakeoffError(
                "scorer_changed",
                f"The scorer '{use.metric}' changed since this experiment was made (it was version {use.version}).",
                f"Score it all anew: bakeoff score '{self.experiment.name}'.",
            )

    def check_scorers(self) -> None:
        """Nothing when the scorers and judges are what they were. Raises BakeoffError ``scorer_changed``."""
        _ = self.scorers, self.judges

    @property
    def control(self) -> Arm:
        """The control arm."""
        return self.arms[0]

    def metrics(self) -> dict[str, MetricDefinition]:
        """All metrics by name: its scorers', what people rate, what live traffic tells, and what every output has."""
        own = {
            use.metric: MetricDefinition(use.metric, MetricKind(use.kind), Direction(use.direction), use.unit)
            for use in self.scorer_uses
        }
        live = live_metrics(self.spec.live) if self.spec.live else {}
        return {**SYSTEM_METRICS, **live, **{metric.name: metric for metric in self.rated}, **own}

    def request(self, arm: Arm, example: ExampleRecord) -> Request:
        """What is sent for one arm and row. Raises BakeoffError ``missing_variable``."""
        assert arm.content is not None
        return render(arm.content, self.values(arm.content, example), row=f"row {example.position + 1}")

    def input_columns(self) -> list[str]:
        """The columns that fill the prompts, each once, in the order of their variables."""
        contents = [arm.content for arm in self.arms if arm.content is not None]
        variables = dict.fromkeys(name for content in contents for name in content.variables())
        return [self.roles.inputs.get(name, name) for name in variables]

    def values(self, content: PromptContent, example: ExampleRecord) -> dict[str, str | None]:
        """The row's value of each variable of a prompt."""
        return {name: example.cells.get(self.roles.inputs.get(name, name)) for name in content.variables()}

    def answer(self, text: str) -> str:
        """What of a model's text is scored: without the reasoning before it, unless the author wants it scored too."""
        return text if self.spec.score_thinking else without_thinking(text)

    def reference(self, example: ExampleRecord) -> str | None:
        """The row's reference, or None."""
        return example.cells.get(self.roles.reference) if self.roles.reference else None


IMPORTED = "imported"
"""Name of the 'scorer' of scores that were produced elsewhere."""


def load_blueprint(tx: Transaction, experiment: ExperimentRecord) -> Blueprint:
    """The blueprint of a stored experiment."""
    variants = tx.experiments.variants(experiment.id)
    versions = tx.prompts.versions_by_id(v.prompt_version_id for v in variants if v.prompt_version_id)
    arms = []
    for v in variants:
        found = versions.get(v.prompt_version_id or "")
        content = content_of(found.kind, found.messages, found.model, found.parameters) if found else None
        arms.append(Arm(v.id, v.position, v.name, v.model, content))
    spec = ExperimentSpec.model_validate(experiment.spec)
    dataset = tx.datasets.version(experiment.dataset_version_id) if experiment.dataset_version_id else None
    return Blueprint(
        experiment=experiment,
        spec=spec,
        arms=tuple(arms),
        scorer_uses=tuple(tx.experiments.scorers(experiment.id)),
        dataset=dataset,
        roles=Roles(dict(spec.inputs), spec.reference, spec.unit, spec.cluster, spec.slices),
        rated=tuple({metric.name: metric for metric in _rated(tx, experiment, spec)}.values()),
    )


def _rated(tx: Transaction, experiment: ExperimentRecord, spec: ExperimentSpec) -> list[MetricDefinition]:
    asked = [SessionSpec.model_validate(session.spec).definition() for session in tx.ratings.all(experiment.id)]
    return [*(metric.definition() for metric in spec.ratings), *reversed(asked)]
