"""The store and its unit of work: ``with store.begin() as tx: tx.prompts.add(…)``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Engine
from sqlmodel import Session

from experiments.vocabulary import Clock, utc_now
from storage.anchors import Anchor, AnchorFile
from storage.answers import Answers
from storage.audit import AuditLog
from storage.audit_check import ChainReport, check_log
from storage.checks import Checks
from storage.datasets import Datasets
from storage.engine import WRITES, is_sqlite, open_engine
from storage.evidence import Evidence
from storage.experiments import Experiments
from storage.exposures import Exposures
from storage.installation import Installation
from storage.judgements import Judgements
from storage.keys import Keys
from storage.live import Live
from storage.live_judging import LiveJudging
from storage.live_work import LiveWork
from storage.previews import Previews
from storage.prompts import Prompts
from storage.rating_tasks import RatingTasks
from storage.ratings import Ratings
from storage.refusals import translated
from storage.registry import Registry
from storage.runs import Runs


class Transaction:
    """The queries of one transaction, grouped by what they are about."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self.session = session
        self.clock = clock

    @cached_property
    def prompts(self) -> Prompts:
        """Prompts and their versions."""
        return Prompts(self.session)

    @cached_property
    def registry(self) -> Registry:
        """Labels and their history."""
        return Registry(self.session)

    @cached_property
    def datasets(self) -> Datasets:
        """Test sets, versions, examples."""
        return Datasets(self.session)

    @cached_property
    def experiments(self) -> Experiments:
        """Experiments, variants, scorers in use."""
        return Experiments(self.session)

    @cached_property
    def runs(self) -> Runs:
        """Runs and their progress."""
        return Runs(self.session)

    @cached_property
    def answers(self) -> Answers:
        """Pairs of answers, for reading."""
        return Answers(self.session)

    @cached_property
    def judgements(self) -> Judgements:
        """What judges have judged."""
        return Judgements(self.session)

    @cached_property
    def checks(self) -> Checks:
        """Quality checks and their versions."""
        return Checks(self.session)

    @cached_property
    def previews(self) -> Previews:
        """Single tries of the prompt page."""
        return Previews(self.session)

    @cached_property
    def ratings(self) -> Ratings:
        """Rating sessions, their links and raters."""
        return Ratings(self.session)

    @cached_property
    def rating_tasks(self) -> RatingTasks:
        """Items to rate and the raters' hold on them."""
        return RatingTasks(self.session)

    @cached_property
    def evidence(self) -> Evidence:
        """Analyses, looks and decisions."""
        return Evidence(self.session)

    @cached_property
    def live(self) -> Live:
        """Live tests and their phases."""
        return Live(self.session)

    @cached_property
    def exposures(self) -> Exposures:
        """What live traffic tells: exposures, outcomes, calls."""
        return Exposures(self.session)

    @cached_property
    def live_work(self) -> LiveWork:
        """What workers do for live tests."""
        return LiveWork(self.session)

    @cached_property
    def live_judging(self) -> LiveJudging:
        """Judges of sampled live answers: their calls, what they cost, and the answers drawn for people."""
        return LiveJudging(self.session)

    @cached_property
    def audit(self) -> AuditLog:
        """The hash-chained log."""
        return AuditLog(self.session, self.clock)

    @cached_property
    def keys(self) -> Keys:
        """API keys."""
        return Keys(self.session)

    @cached_property
    def installation(self) -> Installation:
        """Settings, prices, workers, money spent."""
        return Installation(self.session)


class Store:
    """A database, a clock, and where heads of the audit log are noted. Each ``begin`` is one transaction."""

    def __init__(self, engine: Engine, clock: Clock = utc_now, *, anchors: AnchorFile | None = None) -> None:
        self.engine = engine
        self.clock = clock
        self.anchors = anchors
        self._writer = engine.execution_options(**{WRITES: True})

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        """A transaction that may write: all of it is kept, or nothing.

        Raises:
            Unavailable: ``database_busy`` when the database stayed locked, or it is out of reach.
        """
        with translated(), Session(self._writer, expire_on_commit=False) as session, session.begin():
            tx = Transaction(session, self.clock)
            yield tx
        if self.anchors is not None and "audit" in tx.__dict__ and tx.audit.written is not None:
            self.anchors.note(tx.audit.written)

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A transaction that only reads one consistent state."""
        with translated(), Session(self.engine, expire_on_commit=False) as session:
            yield Transaction(session, self.clock)

    def verify_audit(self, beside: Sequence[Anchor] = ()) -> ChainReport:
        """The audit log checked, against the anchor file and against heads that were kept elsewhere."""
        anchors = [*(self.anchors.read() if self.anchors is not None else ()), *beside]
        with self.read() as tx:
            return check_log(tx.session, anchors)

    def close(self) -> None:
        """Close all pooled connections."""
        self.engine.dispose()


def open_store(url: str, clock: Clock = utc_now, *, home: Path | None = None) -> Store:
    """A store on the database of the URL; the schema is not touched (see ``storage.schema.upgrade``).

    Heads of the audit log are noted beside a SQLite file, and in ``home`` for another database.
    """
    engine = open_engine(url)
    if is_sqlite(engine):
        path = Path(str(engine.url.database))
        return Store(engine, clock, anchors=AnchorFile(path.with_name(f"{path.name}.audit-heads.jsonl")))
    if home is None:
        return Store(engine, clock)
    place = f"{engine.url.host}:{engine.url.port}/{engine.url.database}"
    name = f"audit-heads-{sha256(place.encode()).hexdigest()[:12]}.jsonl"
    return Store(engine, clock, anchors=AnchorFile(home / name))
