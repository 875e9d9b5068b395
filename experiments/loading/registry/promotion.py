"""What a promotion stands on: the variant chosen, the version it would serve, and the evidence of its experiment."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.errors import Conflict, nearest
from experiments.loading.registry.cautions import serving_cautions
from experiments.prompts import labels
from experiments.vocabulary import VerdictOutcome
from storage.records import AnalysisRecord, DecisionRecord, ExperimentRecord, LabelRecord, VariantRecord, VersionRecord
from storage.store import Transaction


def chosen_variant(variants: Sequence[VariantRecord], analysis: AnalysisRecord, name: str | None) -> VariantRecord:
    """The variant of that name, or the verdict's winner. Raises Conflict ``no_winner`` or ``no_such_variant``."""
    wanted = name or analysis.result["verdict"]["winner"]
    if wanted is None:
        raise Conflict(
            "no_winner",
            "The verdict names no winner to promote.",
            "Name the variant and give a reason, or collect more evidence.",
        )
    for variant in variants:
        if variant.name == wanted:
            return variant
    raise Conflict("no_such_variant", f"There is no variant '{wanted}'.", nearest(wanted, [v.name for v in variants]))


def version_to_serve(tx: Transaction, experiment: ExperimentRecord, variant: VariantRecord) -> VersionRecord:
    """The prompt version behind a variant. Raises Conflict ``no_prompt`` for imported answers."""
    if variant.prompt_version_id is None or experiment.prompt_id is None:
        raise Conflict(
            "no_prompt",
            f"{variant.name} was imported as answers only; there is no prompt to serve.",
            "Save its prompt and run it here.",
        )
    return tx.prompts.version(variant.prompt_version_id)


def promotion_evidence(
    tx: Transaction,
    experiment: ExperimentRecord,
    analysis: AnalysisRecord,
    *,
    head: LabelRecord,
    candidate: VersionRecord,
    served_id: str | None,
) -> labels.PromotionEvidence:
    """The evidence that ``labels.check_promotion`` judges.

    ``head`` is where the label points; ``candidate`` would take the place of ``served_id`` (None: of nothing).
    """
    verdict = analysis.result["verdict"]
    control = tx.experiments.variants(experiment.id)[0]
    return labels.PromotionEvidence(
        outcome=VerdictOutcome(verdict["outcome"]),
        winner=verdict["winner"],
        confirm_needed=bool(verdict.get("confirm_needed")),
        sentence=verdict["sentence"],
        analysed_at=analysis.created_at,
        head_is_control=head.version_id is None or head.version_id == control.prompt_version_id,
        cautions=serving_cautions(tx, candidate, tx.prompts.version(served_id) if served_id else None),
    )


def decided_variant(tx: Transaction, decision: DecisionRecord) -> tuple[str, str | None]:
    """The variant that a decision chose, and how that went against its verdict (None when it followed it)."""
    variants = tx.experiments.variants(decision.experiment_id)
    name = next((v.name for v in variants if v.id == decision.variant_id), "")
    verdict = decision.evidence["result"]["verdict"]
    return name, labels.against_verdict(VerdictOutcome(verdict["outcome"]), verdict["winner"], name)


def against_verdict_of(analysis: AnalysisRecord, variant: VariantRecord) -> str | None:
    """How serving the variant goes against the verdict of the analysis, in a sentence; None when it follows it."""
    verdict = analysis.result["verdict"]
    return labels.against_verdict(VerdictOutcome(verdict["outcome"]), verdict["winner"], variant.name)
