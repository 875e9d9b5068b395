"""An experiment file → what it comes to: prompts resolved, columns matched, scorers bound, plan checked. Only reads.

Creating an experiment and asking what a plan would cost both go through here, so that a page
never promises what the action then refuses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.completions.parameters import check_parameters
from experiments.datasets.matching import check_column, match_columns
from experiments.errors import BakeoffError, nearest
from experiments.experiment_file import ExperimentSpec, VariantSpec
from experiments.judges import Judge, bind_judges
from experiments.live.metrics import live_metrics
from experiments.loading.find import find_prompt, find_version
from experiments.loading.judging.judges import with_resolved_checks
from experiments.loading.runs.custom_scorers import custom_scorers
from experiments.plans.plan import SYSTEM_METRICS, MetricDefinition, Plan
from experiments.plans.plan_limits import check_limits_fit
from experiments.prompts.content import Message, PromptContent, chat_prompt, content_of, name_from, text_prompt
from experiments.scoring import BoundScorer, bind_all
from experiments.vocabulary import content_hash
from storage.records import DatasetRecord, DatasetVersionRecord
from storage.store import Transaction


@dataclass(frozen=True, slots=True)
class ResolvedDesign:
    """``spec`` with the test set's roles and the matched columns filled in; ``contents`` by variant, control first.

    A content is None for a variant whose answers are imported.
    """

    spec: ExperimentSpec
    contents: Mapping[str, PromptContent | None]
    scorers: tuple[BoundScorer, ...]
    judges: tuple[Judge, ...]
    version: DatasetVersionRecord | None

    def hash(self) -> str:
        """What the experiment is, as a hash: an equal one is the same experiment."""
        spec, version = self.spec, self.version
        rated = {"ratings": [r.model_dump(mode="json") for r in spec.ratings]} if spec.ratings else {}
        return content_hash(
            {
                **rated,
                **({"score_thinking": True} if spec.score_thinking else {}),
                "variants": [[name, content.hash() if content else None] for name, content in self.contents.items()],
                "dataset": version.content_hash if version else None,
                "roles": [spec.inputs, spec.reference, spec.unit, spec.cluster, list(spec.slices)],
                "repeats": spec.repeats,
                "scorers": sorted([s.metric, s.fingerprint] for s in self.scorers),
                "judges": sorted([j.metric, j.fingerprint] for j in self.judges),
                "plan": spec.plan.hash(),
                "live": spec.live.model_dump(mode="json") if spec.live else None,
            }
        )


def resolved_design(
    tx: Transaction, spec: ExperimentSpec, *, dataset_version_id: str | None, imported: bool = False
) -> ResolvedDesign:
    """The design of a file, checked. ``imported``: its scores come with the answers, so any metric may be planned for.

    Raises:
        BakeoffError: what does not fit (columns, scorers, metrics of the plan, prompts), in one sentence; NotFound.
    """
    version = tx.datasets.version(dataset_version_id) if dataset_version_id else None
    dataset = tx.datasets.get(version.dataset_id) if version else None
    spec = with_resolved_checks(tx, with_dataset_roles(spec, dataset))
    contents = {v.name: variant_content(tx, v) for v in spec.ordered_variants()}
    scorers = bind_all(spec.scorers, custom=custom_scorers())
    judges = bind_judges(spec.scorers, taken=[s.metric for s in scorers])
    check_all_parameters({name: content.parameters for name, content in contents.items() if content}, judges)
    if version is not None:
        spec = with_matched_columns(spec, version.columns, [c for c in contents.values() if c is not None])
        check_scorers(scorers, spec, version.columns)
        check_judges(judges, spec, version.columns)
    measured = [*(s.metric for s in scorers), *(m.name for judge in judges for m in judge.metrics)]
    measured += [r.metric for r in spec.ratings]
    measured += sorted(live_metrics(spec.live)) if spec.live else []
    check_plan_metrics(spec.plan, None if imported else measured)
    check_limits_fit(spec.plan, _definitions(spec, scorers, judges))
    check_arms_differ(contents)
    return ResolvedDesign(spec, contents, tuple(scorers), judges, version)


def _definitions(
    spec: ExperimentSpec, scorers: Sequence[BoundScorer], judges: Sequence[Judge]
) -> dict[str, MetricDefinition]:
    """What is known of the metrics before there is any value."""
    scored = [*(s.definition() for s in scorers), *(metric for judge in judges for metric in judge.metrics)]
    live = live_metrics(spec.live) if spec.live else {}
    return {**SYSTEM_METRICS, **live, **{metric.name: metric for metric in scored}}


def check_all_parameters(by_variant: Mapping[str, Mapping[str, Any]], judges: Iterable[Judge]) -> None:
    """Nothing when every variant's and judge's parameters may be sent. Raises BakeoffError ``refused_parameter``."""
    for name, parameters in by_variant.items():
        check_parameters(parameters, of=f"the variant '{name}'")
    for judge in judges:
        check_parameters(judge.spec.parameters, of=f"the judge '{judge.metric}'")


def variant_content(tx: Transaction, variant: VariantSpec) -> PromptContent | None:
    """What the variant sends, references resolved; None for an imported one."""
    if variant.imported:
        return None
    reference = variant.reference()
    if reference is not None:
        prompt = find_prompt(tx, reference[0])
        found = find_version(tx, prompt, reference[1])
        stored = content_of(found.kind, found.messages, found.model, found.parameters)
        return PromptContent(
            stored.kind,
            stored.messages,
            variant.model or stored.model,
            {**stored.parameters, **variant.parameters},
        )
    model = variant.model or ""
    if variant.messages is not None:
        messages = [Message(m.role, m.content) for m in variant.messages]
        return chat_prompt(messages, model=model, parameters=variant.parameters)
    return text_prompt(variant.prompt or "", model=model, parameters=variant.parameters)


def with_dataset_roles(spec: ExperimentSpec, dataset: DatasetRecord | None) -> ExperimentSpec:
    """The spec with the test set's own roles where the file says nothing."""
    if dataset is None:
        return spec
    roles = dataset.roles
    return spec.model_copy(
        update={
            "reference": spec.reference or roles.get("reference"),
            "unit": spec.unit or roles.get("unit"),
            "cluster": spec.cluster or roles.get("cluster"),
            "slices": spec.slices or tuple(roles.get("slices", ())),
        }
    )


def with_matched_columns(
    spec: ExperimentSpec, columns: Sequence[str], contents: Sequence[PromptContent]
) -> ExperimentSpec:
    """The spec whose ``inputs`` name a column for every variable. Raises BakeoffError for what has none."""
    variables = list(dict.fromkeys(name for content in contents for name in content.variables()))
    if contents:
        matching = match_columns(variables, columns, mapping=spec.inputs)
        matching.require_complete()
        spec = spec.model_copy(update={"inputs": matching.inputs()})
    named = {"reference": spec.reference, "unit": spec.unit, "cluster": spec.cluster}
    for role, column in [*named.items(), *(("a slice", s) for s in spec.slices)]:
        if column is not None:
            check_column(column, columns, role=f"wanted as {role}")
    return spec


def check_scorers(scorers: Sequence[BoundScorer], spec: ExperimentSpec, columns: Sequence[str]) -> None:
    """Nothing when each scorer finds what it needs in the test set. Raises BakeoffError."""
    for scorer in scorers:
        if "reference" in scorer.needs and spec.reference is None:
            raise BakeoffError(
                "no_reference",
                f"The scorer '{scorer.metric}' compares with a reference, and the experiment names no column for it.",
                "Add 'reference: COLUMN'.",
            )
        for column in scorer.columns:
            check_column(column, columns, role=f"read by the scorer '{scorer.metric}'")


def check_judges(judges: Sequence[Judge], spec: ExperimentSpec, columns: Sequence[str]) -> None:
    """Nothing when each judge finds what it is to be shown in the test set. Raises BakeoffError."""
    for judge in judges:
        if judge.spec.reference and spec.reference is None:
            raise BakeoffError(
                "no_reference",
                f"The judge '{judge.metric}' is guided by a reference, and the experiment names no column for it.",
                "Add 'reference: COLUMN'.",
            )
        for column in judge.spec.columns:
            check_column(column, columns, role=f"shown to the judge '{judge.metric}'")


def check_plan_metrics(plan: Plan, scored: Sequence[str] | None) -> None:
    """Nothing when every metric of the plan is measured; ``scored`` None skips the check (imported scores)."""
    if scored is None:
        return
    known = [*scored, *SYSTEM_METRICS]
    for metric in plan.metric_names():
        if metric not in known:
            raise BakeoffError(
                "unknown_metric",
                f"The plan speaks of '{metric}', which nothing measures.",
                f"{nearest(metric, known)} What people rate stands under 'ratings:'.",
            )


def check_arms_differ(contents: Mapping[str, PromptContent | None]) -> None:
    """Nothing when all arms differ. Raises BakeoffError for two arms that would send the same."""
    seen: dict[str, str] = {}
    for name, content in contents.items():
        if content is None:
            continue
        if content.hash() in seen:
            raise BakeoffError(
                "same_variants",
                f"{seen[content.hash()]} and {name} are the same prompt, model and parameters.",
                "Change one of them.",
            )
        seen[content.hash()] = name


def prompt_to_promote(spec: ExperimentSpec) -> str:
    """The prompt whose versions the variants become: given, or the one all references share, or the experiment's."""
    if spec.promotes:
        return spec.promotes
    names = {reference[0] for v in spec.variants if (reference := v.reference())}
    return names.pop() if len(names) == 1 else name_from(spec.name)
