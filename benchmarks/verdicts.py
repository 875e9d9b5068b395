"""The bench of verdicts: what happens to "one honest verdict" when the data has a fault.

For every planted fault and design, through the door of ``bakeoff analyse``: how often truly equal variants ship, how
often "no difference that matters" stands over a true loss of twice the smallest effect, how often a clear win of the
same design without the fault does not ship, and how often the answer names the cause of the fault.

    python -m benchmarks.verdicts                      # 400 runs a cell, about an hour of one core
    python -m benchmarks.verdicts --runs 40            # a quick look
    python -m benchmarks.verdicts --only "heavy user"
"""

from __future__ import annotations

import argparse
import math
import re
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import yaml

from benchmarks import verdict_live
from benchmarks.verdict_faults import EFFECT, FAULTS, Fault, Trial
from experiments.errors import BakeoffError
from experiments.plans.plan import AnalysisPlan
from experiments.results.analysis import analyse
from experiments.results.comparisons.judge_evidence import JudgeEvidence
from experiments.results.decision import decide
from experiments.results.table_analysis import analyse_table

ALPHA = 0.05
REFUSED = "refused"


@dataclass(frozen=True)
class Answer:
    """What a person reads: the outcome, or ``refused`` with the message."""

    outcome: str
    text: str

    @property
    def ships(self) -> bool:
        """Whether it says that the challenger should be promoted."""
        return self.outcome == "ship"

    @property
    def says_no_difference(self) -> bool:
        """Whether it says that nothing that matters is lost."""
        return "no difference that matters" in self.text.lower()


Draw = Callable[[np.random.Generator, float, np.ndarray, list[str]], verdict_live.Users]


@dataclass(frozen=True)
class LiveFault:
    """A cell of live traffic, through the database; see ``Fault``."""

    name: str
    draw: Draw
    cause: str = ""
    clean: Draw = verdict_live.ordinary
    clear_win: float = 0.25
    has_loss: bool = True
    design: str = "live, from SQL"


LIVE_FAULTS = (
    LiveFault("no fault", verdict_live.ordinary),
    LiveFault("heavy user", verdict_live.heavy, "user|unit"),
    LiveFault("placeholder for a user", verdict_live.placeholder, "undefined"),
)
LIVE_SHARE = 0.25
"""Live cells take a second a run: a quarter of the runs."""


@dataclass
class Cell:
    """The counts of one fault under one design."""

    fault: Fault | LiveFault
    runs: int
    false_ships: int = 0
    named: int = 0
    false_equals: int = 0
    blocked: int = 0

    @property
    def passes(self) -> bool:
        """False ships at most alpha and two Monte-Carlo errors, causes named in 95 %, clear wins blocked in 2 %."""
        return (
            self.false_ships <= allowed(self.runs)
            and self.false_equals <= allowed(self.runs)
            and (not self.fault.cause or self.named >= 0.95 * self.runs)
            and self.blocked <= 0.02 * self.runs
        )


def allowed(runs: int) -> float:
    """The largest count that a rate of alpha explains: alpha × runs and two standard errors."""
    return ALPHA * runs + 2 * math.sqrt(ALPHA * (1 - ALPHA) * runs)


def answer_to(trial: Trial) -> Answer:
    """The answer of ``bakeoff analyse`` to the files of a trial."""
    metrics = {"m": {"kind": trial.kind}}
    metrics |= {name: {"kind": kind} for name, kind in trial.more.get("metrics", {}).items()}
    primary = {"metric": "m", "smallest_effect": EFFECT, **trial.primary}
    if trial.kind == "cost":
        primary |= {"relative": True}
    plan = {"primary": primary, **trial.more.get("plan", {})}
    entries = {"design": trial.design, "control": "A", "plan": plan, "metrics": metrics}
    entries |= {name: value for name, value in trial.more.items() if name == "looks"}
    if trial.people is not None:
        return _judged_answer(trial, AnalysisPlan.model_validate(entries))
    content = trial.table.to_csv(index=False).encode()
    try:
        results = analyse_table(content, filename="table.csv", plan_text=yaml.safe_dump(entries), plan_name="PLAN.yaml")
    except BakeoffError as problem:
        return Answer(REFUSED, f"{problem.message} {problem.hint or ''}")
    return _answer(results)


def _judged_answer(trial: Trial, given: AnalysisPlan) -> Answer:
    """The answer where a judge decides: the command takes no judge, so this goes through the engine behind it."""
    judges = (JudgeEvidence("m", "judge", trial.people),)
    analysis = analyse(trial.table, plan=given.plan, metrics=given.definitions(), control="A", judges=judges)
    return _answer({"verdict": decide(given.plan, analysis).to_json(), **analysis.to_json()})


def _answer(results: dict[str, Any]) -> Answer:
    return Answer(results["verdict"]["outcome"], "\n".join(_sentences(results)))


def _sentences(results: dict[str, Any]) -> list[str]:
    verdict = results["verdict"]
    texts = [verdict["sentence"], *verdict["reasons"]]
    texts += [check["message"] for check in results["health"] if check["status"] != "ok"]
    for comparison in results["comparisons"]:
        texts += [str(warning) for warning in comparison["warnings"]]
        if comparison["status"] != "ok":
            texts += [str(comparison["status"]), str(comparison.get("reason") or "")]
    return texts


def measured(fault: Fault | LiveFault, runs: int, ask: Callable[[Any, np.random.Generator, float], Answer]) -> Cell:
    """One cell; ``ask`` draws and answers. The seed of a run follows from the cell's name and the run's number."""
    cell = Cell(fault, runs)
    start = zlib.crc32(f"{fault.name}/{fault.design}".encode())
    for run in range(runs):
        equal = ask(fault.draw, np.random.default_rng([start, run, 0]), 0.0)
        cell.false_ships += equal.ships
        cell.named += bool(fault.cause and re.search(fault.cause, equal.text, re.IGNORECASE))
        if fault.has_loss:
            loss = ask(fault.draw, np.random.default_rng([start, run, 1]), -2 * EFFECT)
            cell.false_equals += loss.says_no_difference
        if fault.clean is not None:
            win = ask(fault.clean, np.random.default_rng([start, run, 2]), fault.clear_win)
            cell.blocked += not win.ships
    return cell


def cells(runs: int, only: str = "") -> Iterator[Cell]:
    """Every cell whose name and design contain ``only``, one after the other."""
    for fault in FAULTS:
        if only in f"{fault.name}, {fault.design}":
            yield measured(fault, runs, lambda draw, rng, effect: answer_to(draw(rng, effect)))
    with verdict_live.installation() as empty:
        for live in LIVE_FAULTS:
            if only in f"{live.name}, {live.design}":
                yield measured(
                    live,
                    max(1, round(runs * LIVE_SHARE)),
                    lambda draw, rng, effect: _answer(verdict_live.results_of(draw, rng, effect, empty)),
                )


def row(cell: Cell) -> str:
    """The cell as a row of the document's table."""
    fault, share = cell.fault, lambda count: f"{100 * count / cell.runs:.1f} %"
    return " | ".join(
        (
            fault.name,
            fault.design,
            share(cell.false_ships),
            share(cell.false_equals) if fault.has_loss else "–",
            share(cell.blocked) if fault.clean else "–",
            share(cell.named) if fault.cause else "–",
            "yes" if cell.passes else "**no**",
        )
    )


def main(arguments: Sequence[str] | None = None, write: Callable[[str], object] = print) -> int:
    """Print a Markdown table; 1 when a cell misses its bound."""
    parser = argparse.ArgumentParser(description="The bench of verdicts.")
    parser.add_argument("--runs", type=int, default=400, help="runs a cell")
    parser.add_argument("--only", default="", help="cells whose fault or design contains this text")
    chosen = parser.parse_args(arguments)
    begun = time.perf_counter()
    write("Fault | Design | False ship | False “no difference” | Clear win blocked | Cause named | Within bounds")
    write("--- | --- | ---: | ---: | ---: | ---: | ---")
    missed = 0
    for cell in cells(chosen.runs, chosen.only):
        write(row(cell))
        missed += not cell.passes
    took = (time.perf_counter() - begun) / 60
    print(f"{chosen.runs} runs a cell in {took:.1f} min; {missed} cells out of bounds", file=sys.stderr)
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
