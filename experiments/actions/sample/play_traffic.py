"""The sample's live test: days of customers who meet a variant, get its simulated answer, and are helped or are not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from experiments.actions.live.control_live import ramp_live
from experiments.actions.live.record_events import record_events
from experiments.actions.live.start_live import start_live
from experiments.actions.results.analyse import fresh_analysis
from experiments.actions.runs.create_experiment import create_experiment
from experiments.completions import Completions, CompletionSettings, open_completions
from experiments.live.assignment import Assignment, LiveTest, assign
from experiments.live.events import Event, GatewayCall, checked_outcome, exposure_of
from experiments.loading.live.phases import find_phase, live_test
from experiments.prompts.rendering import render
from experiments.ratings.leasing import chance
from experiments.sample import project
from experiments.sample.people import is_solved, tickets_by_body
from experiments.sample.story_clock import StoryClock
from experiments.vocabulary import Actor, Completion, new_id
from storage.store import Store

SEED = "0b7e4c52d9a14f6e8c3a5d7f10294b68"
"""The draw is always the same, so that every load tells the same story."""
CUSTOMERS_A_DAY = 76
DAYS = 8
RAMP_ON, RAMP_TO = 3, 50
"""From this day of the test on so many per cent of the customers take part."""
LOOK_EVERY = 2
"""Every so many days, the last one among them, somebody looks at the result in the evening."""


@dataclass(frozen=True, slots=True)
class _Visit:
    """One customer with one ticket, and what they meet."""

    unit: str
    body: str
    met: Assignment
    at: datetime


def put_version_3_to_the_test(stage: Store, clock: StoryClock, *, first_day: int, actor: Actor) -> None:
    """Start the live test, and play its days: traffic in the daytime, a look on some evenings."""
    spec = project.live_experiment()
    create_experiment(stage, spec, dataset_version_id=None, actor=actor, sample=True)
    start_live(stage, spec.name, actor=actor, seed=SEED)
    for day in range(DAYS):
        if day == RAMP_ON:
            clock.set(day=first_day + day, hour=9, minute=5)
            ramp_live(stage, spec.name, RAMP_TO, actor=actor)
        live = _live(stage, spec.name)
        events = asyncio.run(_answered(live, list(_visits(live, clock, day=day, first_day=first_day))))
        clock.set(day=first_day + day, hour=23, minute=30)
        refused = [told for told in record_events(stage, events) if not told.ok]
        assert not refused, refused[0].message
        if (DAYS - 1 - day) % LOOK_EVERY == 0:
            fresh_analysis(stage, spec.name)


def simulated_completions() -> Completions:
    """Models that need no key; their times are drawn and need not be waited for."""
    return open_completions(CompletionSettings(demo_time_scale=0), environ={})


def _live(stage: Store, name: str) -> LiveTest:
    with stage.read() as tx:
        return live_test(tx, find_phase(tx, name))


def _visits(live: LiveTest, clock: StoryClock, *, day: int, first_day: int) -> Iterator[_Visit]:
    """Those of a day's customers who take part; the others meet what they always meet, and leave no trace."""
    bodies = list(tickets_by_body())
    opens = clock.moment(day=first_day + day, hour=10, minute=0)
    for number in range(CUSTOMERS_A_DAY):
        unit = f"customer-{day + 1}{number:03d}"
        met = assign(live, unit)
        if met.counted:
            body = bodies[int(chance(0, "ticket", unit) * len(bodies))]
            yield _Visit(unit, body, met, opens + timedelta(minutes=600 * chance(0, "hour", unit)))


async def _answered(live: LiveTest, visits: Sequence[_Visit]) -> list[Event]:
    """What the gateway and the application would have told of these visits."""
    completions = simulated_completions()
    try:
        return [event for visit in visits for event in await _events_of(completions, live, visit)]
    finally:
        await completions.aclose()


async def _events_of(completions: Completions, live: LiveTest, visit: _Visit) -> list[Event]:
    number = live.served[visit.met.variant].version
    content = project.prompt_versions(project.REPLY_PROMPT)[number - 1].content
    answer = await completions.attempt(render(content, {"body": visit.body}), deadline_s=60)
    assert isinstance(answer, Completion), "a simulated model answers everything"
    ticket = tickets_by_body()[visit.body]
    context = {name: ticket[name] for name in live.slices}
    later = visit.at + timedelta(minutes=20 + 60 * chance(0, "later", visit.unit))
    return [
        exposure_of(live, visit.unit, visit.met, context, at=visit.at, source="chat"),
        _call(live, visit, answer),
        checked_outcome(
            experiment=live.key,
            unit=visit.unit,
            metric="solved",
            value=float(is_solved(visit.unit, visit.body, answer.text)),
            received_at=later,
            exposure=visit.met.exposure,
            idempotency_key=visit.unit,
        ),
    ]


def _call(live: LiveTest, visit: _Visit, answer: Completion) -> GatewayCall:
    served = live.served[visit.met.variant]
    return GatewayCall(
        id=new_id(),
        at=visit.at,
        prompt=served.prompt,
        version=served.version,
        model=served.model,
        status="ok",
        latency_ms=answer.latency_ms,
        experiment=live.key,
        phase=live.phase,
        variant=visit.met.variant,
        exposure=visit.met.exposure,
        first_token_ms=answer.first_token_ms,
        prompt_tokens=answer.usage.prompt_tokens,
        completion_tokens=answer.usage.completion_tokens,
        cost_usd=answer.cost_usd,
        cost_status=answer.cost_status.value,
        response_class=answer.response_class.value,
        answer_chars=len(answer.text),
    )
