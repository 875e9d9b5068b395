"""Results for machines that build software: JUnit XML for the list of tests, Markdown for a pull request. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree import ElementTree as Xml

from experiments.stats.estimates import Interval
from experiments.vocabulary import HealthStatus, VerdictOutcome
from experiments.wording import amount, between, count, dollars, level, lower_is_better, metric_name

UNFIT_FOR_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
MARKDOWN_SIGN = re.compile(r"([\\`*_{}\[\]()#+|~<>&!@:])")
SIGNS = {"treatment": "▲ better", "control": "▼ worse", "unclear": "● unclear"}
OUTCOMES = {
    VerdictOutcome.SHIP: "✅ Ship",
    VerdictOutcome.KEEP_CONTROL: "❌ Keep the control",
    VerdictOutcome.KEEP_COLLECTING: "⏳ Keep collecting",
    VerdictOutcome.CANNOT_DECIDE: "⚠️ Cannot decide",
}


def junit_xml(results: Mapping[str, Any]) -> str:
    """The results JSON as one JUnit suite: the verdict, every overall comparison, every check of the evidence.

    The verdict fails unless it is "ship"; a measure fails when its limit is broken or it is clearly worse and decides
    or limits; a check fails when it blocks the verdict. What could not be measured is skipped with its reason.
    """
    suite = Xml.Element("testsuite", name=_fit(f"bakeoff.{results['experiment']}"))
    _verdict(suite, results)
    for comparison in results["comparisons"]:
        if comparison["slice"] is None:
            _comparison(suite, comparison)
    for check in results["health"]:
        case = _case(suite, "health", check["check"])
        if check["status"] == HealthStatus.FAIL:
            _child(case, "failure", check["message"])
        elif check["status"] == HealthStatus.WARN:
            Xml.SubElement(case, "system-out").text = _fit(check["message"])
    return _written(suite)


def junit_of_stop(experiment: str, message: str) -> str:
    """A suite with one error: the run ended before there were results."""
    suite = Xml.Element("testsuite", name=_fit(f"bakeoff.{experiment}"))
    _child(_case(suite, "run", "finished"), "error", message)
    return _written(suite)


def markdown_summary(results: Mapping[str, Any]) -> str:
    """The results JSON as a summary of a page: verdict, measures with intervals, checks that are not fine, cost."""
    verdict = results["verdict"]
    lines = [
        f"### {OUTCOMES[VerdictOutcome(verdict['outcome'])]}: {_plain(results['experiment'])}",
        "",
        f"**{_plain(verdict['headline'])}** {_plain(verdict['detail'])}".rstrip(),
        "",
    ]
    if results["simulated"]:
        lines += ["_Simulated model: these answers were made by rules, not by a language model._", ""]
    lines += ["| measure | role | control | now | difference | very likely | |", "|---|---|---|---|---|---|---|"]
    lines += [_row(c) for c in results["comparisons"] if c["slice"] is None]
    notes = [c for c in results["health"] if c["status"] != HealthStatus.OK]
    if notes:
        lines += ["", *(f"- {'⛔' if c['status'] == HealthStatus.FAIL else '⚠️'} {_plain(c['message'])}" for c in notes)]
    lines += _judges(results)
    return "\n".join([*lines, "", _cost(results), ""])


def markdown_of_stop(experiment: str, message: str) -> str:
    """The summary of a run that ended before there were results."""
    return f"### ⛔ Stopped: {_plain(experiment)}\n\n{_plain(message)}\n"


# --- JUnit -----------------------------------------------------------------------------------------------------------


def _verdict(suite: Xml.Element, results: Mapping[str, Any]) -> None:
    verdict = results["verdict"]
    case = _case(suite, "verdict", str(results["experiment"]))
    if verdict["outcome"] != VerdictOutcome.SHIP:
        _child(case, "failure", f"{verdict['outcome']}: {verdict['sentence']}", kind=verdict["outcome"])
    else:
        Xml.SubElement(case, "system-out").text = _fit(verdict["sentence"])


def _comparison(suite: Xml.Element, c: Mapping[str, Any]) -> None:
    case = _case(
        suite, c["role"], f"{metric_name(c['metric'], c['aggregate'])}: {c['treatment']} against {c['control']}"
    )
    if c["status"] != "ok":
        why = c["warnings"][0] if c["warnings"] else c["status"].replace("_", " ")
        _child(case, "skipped", why)
        return
    told = _told(c)
    limits = c["role"] == "guardrail"
    if limits and c["margin_state"] == "broken":
        _child(case, "failure", f"the limit is broken: {told}", kind="limit_broken")
    elif c["better"] == "control" and (c["role"] == "primary" or (limits and c["margin_state"] != "held")):
        _child(case, "failure", f"worse: {told}", kind="worse")
    else:
        Xml.SubElement(case, "system-out").text = _fit(told)


def _case(suite: Xml.Element, kind: str, name: str) -> Xml.Element:
    return Xml.SubElement(suite, "testcase", classname=_fit(f"{suite.get('name')}.{kind}"), name=_fit(name))


def _child(case: Xml.Element, tag: str, message: str, *, kind: str = "") -> None:
    child = Xml.SubElement(case, tag, message=_fit(message))
    if kind:
        child.set("type", kind)


def _written(suite: Xml.Element) -> str:
    cases = suite.findall("testcase")
    suite.set("tests", str(len(cases)))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(sum(case.find(tag) is not None for case in cases)))
    suites = Xml.Element("testsuites")
    suites.append(suite)
    Xml.indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{Xml.tostring(suites, encoding="unicode")}\n'


def _fit(text: str) -> str:
    """The text without what XML 1.0 cannot hold."""
    return UNFIT_FOR_XML.sub("�", text)


# --- Markdown --------------------------------------------------------------------------------------------------------


def _row(c: Mapping[str, Any]) -> str:
    note = lower_is_better(c["direction"], c["unit"])
    name = metric_name(c["metric"], c["aggregate"]) + (f" ({note})" if note else "")
    cells = [name, c["role"], *(_level(c[side], c["unit"]) for side in ("control_mean", "treatment_mean"))]
    if c["status"] != "ok":
        cells += ["–", c["status"].replace("_", " "), ""]
    else:
        interval = Interval(c["estimate"], c["lower"], c["upper"])
        sign = "▼ limit broken" if c["margin_state"] == "broken" else SIGNS[c["better"]]
        cells += [amount(c["estimate"], c["unit"], sign=True), between(interval, c["unit"]), sign]
    return "| " + " | ".join(_plain(str(cell)) for cell in cells) + " |"


def _judges(results: Mapping[str, Any]) -> Iterator[str]:
    for card in results.get("judges", ()):
        yield ""
        words = "may decide" if card["usable"] else f"may not decide: {card['reason']}"
        people = f"{count(card['human_items'], 'answer')} rated by people"
        yield f"Judge {_plain(card['judge'])} ({_plain(people)}) {_plain(words)}. {_plain(card['next_step'])}"


def _total(usd: float | None) -> str:
    return "cost unknown" if usd is None else dollars(usd)


def _cost(results: Mapping[str, Any]) -> str:
    cost, counts = results["cost"], results["counts"]
    if cost is None:
        return f"{counts['rows']:,} rows."
    parts = [f"{counts['ok']:,} answers of {counts['planned']:,}", _total(cost["total_usd"])]
    if cost.get("judge_usd"):
        parts.append(f"{dollars(cost['judge_usd'])} of it for judges")
    return _plain(" · ".join(parts))


def _told(c: Mapping[str, Any]) -> str:
    interval = Interval(c["estimate"], c["lower"], c["upper"])
    note = lower_is_better(c["direction"], c["unit"])
    size = f"{amount(c['estimate'], c['unit'], sign=True)}, very likely {between(interval, c['unit'])}"
    return f"{size} ({note})" if note else size


def _level(value: float | None, unit: str) -> str:
    return "–" if value is None else level(value, unit)


def _plain(text: str) -> str:
    """The text on one line, with nothing in it that Markdown would read as markup, link or mention."""
    return MARKDOWN_SIGN.sub(r"\\\1", " ".join(_fit(text).split()))
