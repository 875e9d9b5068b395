"""The sample's people: they rate by link like anybody, and a simulated judge is held against what they said."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from experiments.actions.rating.join_rating import arrive
from experiments.actions.rating.open_rating import NewLink, close_session, open_session
from experiments.actions.rating.rate import Vote, name_rater, rater_state, submit_votes
from experiments.actions.registry.save_check import save_check
from experiments.actions.runs.apply_judges import apply_judges
from experiments.ratings.showing import Shown
from experiments.sample import project
from experiments.sample.people import RATERS, SampleRater, is_helpful, is_right_topic, preference, reading_ms
from experiments.sample.story_clock import StoryClock
from experiments.vocabulary import Actor
from storage.records import RunRecord
from storage.store import Store

Opinion = Callable[[SampleRater, Shown], str]
PAUSE_MS = 20 * 60_000
"""Before each rater; what the one before held and did not rate is free again by then."""
CHECK = "helpful"
RATED_OF_OPEN = 18
"""So many answers each rater of the open session has rated when they are called away."""


def rate_the_replies(stage: Store, clock: StoryClock, experiment: str, *, actor: Actor) -> None:
    """Three people compare the replies blind, and say of single ones whether they help; both sessions are over then."""
    for name, opinion in (("preferred", preference), ("helpful", is_helpful)):
        opened = open_session(stage, experiment, project.rating_session(name), actor=actor)
        for rater in RATERS:
            _rate(stage, clock, opened.link, rater, opinion)
        close_session(stage, opened.session_id, actor=actor)


def begin_to_rate_the_topics(stage: Store, clock: StoryClock, experiment: str, *, actor: Actor) -> None:
    """Two people begin with a session that stays open, so that a visitor of the sample can go on with it."""
    opened = open_session(stage, experiment, project.rating_session("right_queue"), actor=actor)
    for rater in RATERS[:2]:
        _rate(stage, clock, opened.link, rater, is_right_topic, most=RATED_OF_OPEN)


def ask_the_judge(stage: Store, experiment: str, *, actor: Actor) -> RunRecord:
    """The run of the experiment, queued for the judge that was saved as a quality check."""
    note = "What our raters were asked, as a rubric. The judge is a simulated model."
    save_check(stage, CHECK, project.quality_check(), actor=actor, note=note)
    return apply_judges(stage, experiment, actor=actor, judges=[{"judge": {"check": CHECK}}])


def _rate(
    stage: Store, clock: StoryClock, link: NewLink, rater: SampleRater, opinion: Opinion, *, most: int | None = None
) -> None:
    """Come by the link after a while, and rate all that there is, or so many of it."""
    clock.pass_by(PAUSE_MS)
    secret = arrive(stage, link.token).secrets[0]
    name_rater(stage, secret, rater.name)
    tasks: Sequence[Shown] = rater_state(stage, secret).tasks[:most]
    while tasks:
        looked = [(task, reading_ms(rater, task)) for task in tasks]
        clock.pass_by(sum(ms for _, ms in looked))
        votes = [Vote(n, task.id, choice=opinion(rater, task), ms=ms) for n, (task, ms) in enumerate(looked)]
        handed_out = submit_votes(stage, secret, votes).tasks
        tasks = handed_out if most is None else ()
