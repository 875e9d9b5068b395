"""What a build is told: every measure with its interval, failures where the gate would fail, nothing that breaks out."""

from __future__ import annotations

from xml.etree import ElementTree as Xml

from experiments.plans.plan import Guardrail
from experiments.results.decision import decide
from experiments.results.gate_reports import junit_of_stop, junit_xml, markdown_summary
from tests.experiments.analysis_tables import plan, run, yes_no


def results(*, fixed: int, broken: int, name: str = "tone", guardrails=()) -> dict:
    """The results JSON of 200 rows on which B fixes and breaks as many."""
    given = plan(guardrails=guardrails)
    analysis = run(yes_no(both=100, fixed=fixed, broken=broken, neither=100 - fixed - broken), given)
    cost = {"total_usd": 0.5, "judge_usd": 0.1}
    counts = {"ok": 400, "planned": 400}
    verdict = decide(given, analysis).to_json()
    return {
        "experiment": name,
        "simulated": False,
        "verdict": verdict,
        "cost": cost,
        "counts": counts,
        **analysis.to_json(),
    }


def cases(text: str) -> dict[str, Xml.Element]:
    return {f"{c.get('classname')}/{c.get('name')}": c for c in Xml.fromstring(text).iter("testcase")}


def test_a_win_passes_and_shows_its_interval():
    text = junit_xml(results(fixed=60, broken=5))
    suite = Xml.fromstring(text).find("testsuite")
    found = cases(text)
    assert suite is not None
    assert (suite.get("failures"), suite.get("tests")) == ("0", str(len(found)))
    told = found["bakeoff.tone.primary/correct: B against A"].findtext("system-out") or ""
    assert "+27.5 points" in told
    assert "between" in told


def test_a_loss_fails_the_verdict_and_the_measure():
    found = cases(junit_xml(results(fixed=5, broken=60)))
    assert found["bakeoff.tone.verdict/tone"].find("failure") is not None
    failure = found["bakeoff.tone.primary/correct: B against A"].find("failure")
    assert failure is not None
    assert "−27.5 points" in (failure.get("message") or "")


def test_a_limit_without_values_is_skipped_with_its_reason():
    given = [Guardrail(metric="score", margin=0.1)]
    found = cases(junit_xml(results(fixed=60, broken=5, guardrails=given)))
    skipped = found["bakeoff.tone.guardrail/score: B against A"].find("skipped")
    assert skipped is not None
    assert skipped.get("message")


def test_a_run_that_was_stopped_is_an_error():
    suite = Xml.fromstring(junit_of_stop("tone", "budget: the next call could exceed the budget")).find("testsuite")
    assert suite is not None
    assert suite.get("errors") == "1"


def test_odd_characters_neither_break_the_xml_nor_the_table():
    name = "a\x00b<script>|x|](javascript:alert(1))@here \ud800"
    found = results(fixed=60, broken=5, name=name)
    assert Xml.fromstring(junit_xml(found)) is not None
    summary = markdown_summary(found)
    assert "\\<script\\>" in summary
    assert "\\@here" in summary
    assert "\\|x\\|\\]\\(javascript" in summary


def test_the_summary_has_the_verdict_the_measures_and_the_cost():
    summary = markdown_summary(results(fixed=60, broken=5))
    assert summary.startswith("### ✅ Ship: tone")
    assert "| correct | primary | 52.5 of 100 | 80.0 of 100 |" in summary.replace("\\", "")
    assert "400 answers of 400 · $0.50 · $0.10 of it for judges" in summary.replace("\\", "")
