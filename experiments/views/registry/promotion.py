"""What a promotion would do, before it is done: what changes, what stands against it, whether a reason is asked."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.errors import BakeoffError, Conflict
from experiments.loading.find import find_experiment
from experiments.loading.registry.promotion import chosen_variant, promotion_evidence, version_to_serve
from experiments.prompts import labels
from experiments.prompts.content import PromptContent
from experiments.views.registry.prompts import content
from storage.store import Store

REASON_NEEDED = "reason_needed"


@dataclass(frozen=True, slots=True)
class PromotionPreview:
    """The step as it stands. ``live`` is None while nothing holds the label; ``revision`` goes with the promotion.

    ``doubt`` says why a written reason is asked for, ``refusal`` why no reason would help; at most one of them is set.
    """

    prompt: str
    label: str
    variant: str
    version: int
    candidate: PromptContent
    live_version: int | None
    live: PromptContent | None
    revision: int
    doubt: str | None
    refusal: BakeoffError | None

    @property
    def already_live(self) -> bool:
        """True when the label points at this very version."""
        return self.live_version == self.version


def promotion_preview(
    store: Store, experiment_name: str, *, label: str, variant: str | None = None
) -> PromotionPreview:
    """What promoting a variant (the winner by default) on the newest analysis would do.

    Raises:
        NotFound; Conflict: ``never_analysed``, ``no_winner``, ``no_such_variant`` or ``no_prompt``.
    """
    with store.read() as tx:
        experiment = find_experiment(tx, experiment_name)
        analysis = tx.evidence.newest_analysis(experiment.id)
        if analysis is None:
            raise Conflict("never_analysed", f"'{experiment.name}' has no result yet.", "Run it first.")
        chosen = chosen_variant(tx.experiments.variants(experiment.id), analysis, variant)
        version = version_to_serve(tx, experiment, chosen)
        head = tx.registry.label(version.prompt_id, label)
        live = tx.prompts.version(head.version_id) if head.version_id else None
        doubt, refusal = None, None
        try:
            evidence = promotion_evidence(
                tx, experiment, analysis, head=head, candidate=version, served_id=head.version_id
            )
            labels.check_promotion(evidence, label=label, variant=chosen.name, reason="", now=store.clock())
        except Conflict as conflict:
            if conflict.code == REASON_NEEDED:
                doubt = conflict.message
            else:
                refusal = conflict
        return PromotionPreview(
            prompt=tx.prompts.get(version.prompt_id).name,
            label=label,
            variant=chosen.name,
            version=version.number,
            candidate=content(version),
            live_version=live.number if live else None,
            live=content(live) if live else None,
            revision=head.revision,
            doubt=doubt,
            refusal=refusal,
        )
