"""Every order of look, vote, resend, skip, undo and lapse keeps the promises of a session (Hypothesis)."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from experiments.actions.rating.join_rating import arrive
from experiments.actions.rating.rate import Vote, rater_state, submit_votes, undo_vote
from storage.store import Store, open_store
from tests.conftest import ManualClock
from tests.rating_builders import imported, opened

RATERS, ITEMS, OVERLAP = 3, 5, 2
WHO = st.integers(0, RATERS - 1)
WHICH = st.integers(0, 40)


class Page:
    """What one rater's browser knows: its cookie, the tasks it shows, what was promised to it."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.shown: list[str] = []
        self.seen: list[str] = []
        self.promised: dict[str, tuple[str, str | None]] = {}
        self.seq = 0


class RatingMachine(RuleBasedStateMachine):
    """Three raters with five items that want two ratings each; time passes, tabs are stale, answers get lost."""

    url = ""
    template: Path | None = None

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self._folder = tempfile.mkdtemp()
        url = self.url
        if self.template is not None:
            path = Path(self._folder) / "machine.db"
            shutil.copy(self.template, path)
            url = f"sqlite:///{path}"
        self.store: Store = open_store(url, self.clock)

    @initialize()
    def open_a_session(self) -> None:
        name = f"machine {self.clock.now.isoformat().replace(':', '.').replace('+', ' ')} {id(self)}"
        session = opened(self.store, imported(self.store, name, rows=ITEMS), overlap=OVERLAP, close_when_full=False)
        self.session_id = session.session_id
        self.pages = [Page(arrive(self.store, session.link.token).secrets[0]) for _ in range(RATERS)]

    @rule(who=WHO)
    def look_again(self, who: int) -> None:
        page = self.pages[who]
        state = rater_state(self.store, page.secret)
        self._showing(page, [task.id for task in state.tasks])
        assert state.done == sum(1 for action, _ in page.promised.values() if action == "vote")

    @rule(who=WHO, which=WHICH, choice=st.sampled_from(["left", "both_good", "right"]))
    def vote(self, who: int, which: int, choice: str) -> None:
        self._decide(who, which, "vote", choice)

    @rule(who=WHO, which=WHICH, action=st.sampled_from(["skip", "report"]))
    def pass_over(self, who: int, which: int, action: str) -> None:
        self._decide(who, which, action, None)

    @rule(who=WHO, which=WHICH, choice=st.sampled_from(["left", "right"]))
    def vote_from_a_stale_tab(self, who: int, which: int, choice: str) -> None:
        page = self.pages[who]
        if page.seen:
            self._send(page, page.seen[which % len(page.seen)], "vote", choice)

    @rule(who=WHO, which=WHICH)
    def undo(self, who: int, which: int) -> None:
        page = self.pages[who]
        if not page.promised:
            return
        task = list(page.promised)[which % len(page.promised)]
        back = undo_vote(self.store, page.secret, task)
        if page.promised[task][0] == "vote":
            assert back.task is not None
        if back.task is not None:
            assert back.task.id == task
            del page.promised[task]
            self._showing(page, [*page.shown, task])

    @rule(who=WHO)
    def renew(self, who: int) -> None:
        page = self.pages[who]
        answer = submit_votes(self.store, page.secret, [], have=page.shown)
        self._showing(page, [t for t in page.shown if t not in answer.gone] + [t.id for t in answer.tasks])

    @rule(minutes=st.sampled_from([1, 9, 11]))
    def time_passes(self, minutes: int) -> None:
        self.clock.advance(minutes=minutes)

    @invariant()
    def no_item_has_more_than_it_wants_and_nobody_rates_twice(self) -> None:
        if not hasattr(self, "session_id"):
            return
        with self.store.read() as tx:
            decided = list(tx.rating_tasks.decided(self.session_id))
            raters = [rater.id for rater in tx.ratings.raters(self.session_id)]
            held = [
                task
                for rater in raters
                for task, _, _ in tx.rating_tasks.of_rater(rater)
                if task.state == "leased" and task.lease_until > self.clock.now
            ]
        rated = [row for row in decided if row["state"] == "rated"]
        taken = Counter(row["item_id"] for row in rated) + Counter(task.item_id for task in held)
        assert max(taken.values(), default=0) <= OVERLAP
        assert max(Counter((row["item_id"], row["rater_id"]) for row in decided).values(), default=0) <= 1
        kept = {row["task_id"]: row["choice"] for row in decided}
        promised = {task: choice for page in self.pages for task, (_, choice) in page.promised.items()}
        assert kept == promised

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self._folder)

    def _decide(self, who: int, which: int, action: str, choice: str | None) -> None:
        page = self.pages[who]
        if page.shown:
            self._send(page, page.shown[which % len(page.shown)], action, choice)

    def _send(self, page: Page, task: str, action: str, choice: str | None) -> None:
        page.seq += 1
        have = [shown for shown in page.shown if shown != task]
        vote = Vote(page.seq, task, action, choice)  # type: ignore[arg-type]
        answer = submit_votes(self.store, page.secret, [vote], have=have)
        if answer.acknowledged:
            assert answer.acknowledged == (page.seq,)
            page.promised.setdefault(task, (action, choice))
        else:
            assert answer.refused[0].code in {"lease_lost", "unknown_task"}
            assert task not in page.promised
        self._showing(page, [t for t in have if t not in answer.gone] + [t.id for t in answer.tasks])

    def _showing(self, page: Page, tasks: list[str]) -> None:
        page.shown = list(dict.fromkeys(tasks))
        page.seen = list(dict.fromkeys([*page.seen, *tasks]))


def _run(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        RatingMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_every_order_of_events_keeps_the_promises_on_sqlite(sqlite_template: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(RatingMachine, "template", sqlite_template)
    _run(8, 25)


@pytest.mark.postgres
def test_every_order_of_events_keeps_the_promises_on_postgres(postgres, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(RatingMachine, "template", None)
    monkeypatch.setattr(RatingMachine, "url", postgres.fresh_database())
    _run(3, 20)
