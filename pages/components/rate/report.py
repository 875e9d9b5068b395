"""One rating session for its owner: how far it is, how far people agree, what is odd, and what they said."""

from __future__ import annotations

import streamlit as st

from experiments.actions.rating.open_rating import close_session, new_link, revoke_links
from experiments.views.rating.report import AgreementView, RaterLine, SessionReport, session_report
from experiments.views.rating.results import PairLine, SessionResult
from experiments.views.rating.sessions import SessionSummary, rating_sessions
from experiments.wording import amount, count, metric_name, percent
from pages.components.confirm import confirm
from pages.components.errors import show_errors
from pages.components.inert import element
from pages.components.numbers import ago, day, minutes_words, seconds_words
from pages.components.rate.items import show_items
from pages.components.rate.opening import show_new_link
from pages.components.rate.rating_list import progress_words, session_badge, share_done
from pages.components.session import actor, store
from pages.components.show_output import plain, show, show_lines
from pages.components.tables import judged, show_table, two_lines

EVERY_S = 5.0


def show_session(session: SessionSummary) -> None:
    """The whole page of a session."""
    title, buttons = st.columns([5, 3], vertical_alignment="center")
    with title, st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.title(plain(session.question), anchor=False, width="content")
        session_badge(session)
    with buttons:
        _steer(session)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.page_link(
            "read_results.py", label=plain(session.experiment), query_params={"exp": session.experiment}, icon=""
        )
        facts = [f"session {session.number}", f"measure {metric_name(session.metric)}", _link_words(session)]
        facts.append(f"opened {ago(session.opened_at)} by {session.opened_by}")
        show(element("span", " · ".join(facts), cls="bk-muted bk-small"))
    show_new_link(session.id)
    if session.state == "open":
        _follow(session.id)
    else:
        _show_report(_report(session.id, _stamp(session)))
    show_items(session.id, session.experiment, session.items)


@st.fragment(run_every=EVERY_S)
def _follow(session_id: str) -> None:
    """Redraws itself while people rate; the whole page follows when the session is over."""
    with show_errors():
        session = next((s for s in rating_sessions(store()) if s.id == session_id), None)
        if session is None or session.state != "open":
            st.rerun()
        else:
            _show_report(_report(session_id, _stamp(session)))


def _stamp(session: SessionSummary) -> tuple[object, ...]:
    return session.state, session.ratings, session.items_full, session.raters


@st.cache_data(max_entries=50, ttl=20, show_spinner=False)
def _report(session_id: str, stamp: tuple[object, ...]) -> SessionReport:
    del stamp
    return session_report(store(), session_id)


def _steer(session: SessionSummary) -> None:
    """A new link, no link, the end."""
    if session.state != "open":
        return
    with show_errors(), st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("New link", icon=":material/link:", key="rate_new_link"):
            st.session_state["new_rating_link"] = new_link(store(), session.id, actor=actor())
            st.rerun()
        if session.link.state in ("open", "full") and st.button(
            "Revoke links",
            icon=":material/link_off:",
            key="rate_revoke",
            help="Nobody can rate any more until there is a new link; what was rated stays.",
        ):
            revoke_links(store(), session.id, actor=actor())
            st.session_state.pop("new_rating_link", None)
            st.rerun()
        if st.button("Close", icon=":material/stop_circle:", key="rate_close", help="Ends it; what was rated stays."):
            left = minutes_words(session.minutes_left, "of work left")
            confirm(
                f"Raters who are at work are sent away, and it cannot be opened again{f' ({left})' if left else ''}. "
                "What was rated stays.",
                "Close it",
                lambda: close_session(store(), session.id, actor=actor()),
            )


def _link_words(session: SessionSummary) -> str:
    link = session.link
    if link.state in ("open", "full") and link.expires_at is not None:
        return f"link used by {link.raters} of {link.most_raters}, good until {day(link.expires_at)}"
    return f"link {link.state}" if link.state != "none" else "no link"


def _show_report(report: SessionReport) -> None:
    session = report.summary
    left = minutes_words(session.minutes_left, "of work left") if session.state == "open" else ""
    st.progress(share_done(session), text=" · ".join(part for part in (progress_words(session), left) if part))
    spread = [f"{count(n, 'item')} with {count(k, 'rating')}" for k, n in report.items_by_ratings.items()]
    if spread:
        show(element("div", " · ".join(spread), cls="bk-muted bk-small"))
    st.header("What people say", anchor=False)
    if report.result is None:
        st.info(plain(report.result_hidden), icon=":material/visibility_off:")
    else:
        _show_results(report)
    _show_agreement(report)
    _show_raters(report)


def _show_results(report: SessionReport) -> None:
    assert report.result is not None
    if not report.result.pairs and not report.result.variants:
        st.caption("No rating is in yet.")
        return
    _show_result(report.result)
    everything = report.result_with_all
    if any(rater.excluded for rater in report.raters) and everything is not None:
        with st.container(border=True, gap="small"):
            st.markdown("**With everybody**, those left out by the rule too")
            _show_result(everything)


def _show_result(result: SessionResult) -> None:
    show_lines([pair.sentence for pair in result.pairs])
    known = [pair for pair in result.pairs if pair.estimate is not None]
    if known:
        head = ["Comparison", "Difference", "Very likely between", "Won", "Tied", "Lost", "Items"]
        show_table(head, [_pair_row(pair) for pair in known], wide=(3, 4, 5))
    if result.variants:
        rows = [[v.variant, _in_unit(v.mean, v.unit), _limits(v.lower, v.upper, v.unit)] for v in result.variants]
        show_table(["Variant", "Mean", "Very likely between"], rows)
    if result.ranking:
        rows = [
            [
                place.variant,
                f"{place.best_rank}"
                if place.best_rank == place.worst_rank
                else f"{place.best_rank} to {place.worst_rank}",
            ]
            for place in result.ranking
        ]
        show_table(["Variant", "Rank"], rows)


def _pair_row(pair: PairLine) -> list[str]:
    assert pair.estimate is not None
    lower, upper = pair.lower or 0.0, pair.upper or 0.0
    side = "better" if lower > 0 else "worse" if upper < 0 else "unclear"
    difference = judged(side, amount(pair.estimate, pair.unit, sign=True))
    limits = _limits(pair.lower, pair.upper, pair.unit, sign=True)
    weighted = pair.over_all_rows
    below = "" if weighted is None else f"over all rows {amount(weighted.mean, pair.unit, sign=True)}"
    compared = two_lines(f"{pair.treatment} against {pair.control}", below)
    return [compared, difference, limits, f"{pair.wins:,}", f"{pair.ties:,}", f"{pair.losses:,}", f"{pair.items:,}"]


def _in_unit(value: float | None, unit: str) -> str:
    return "–" if value is None else amount(value, unit)


def _limits(lower: float | None, upper: float | None, unit: str, *, sign: bool = False) -> str:
    if lower is None or upper is None:
        return "–"
    return f"{amount(lower, unit, sign=sign)} and {amount(upper, unit, sign=sign)}"


def _show_agreement(report: SessionReport) -> None:
    st.header("How far they agree", anchor=False)
    show(element("div", report.agreement.sentence))
    if any(rater.excluded for rater in report.raters):
        show(element("div", f"With everybody: {report.agreement_with_all.sentence}", cls="bk-muted bk-small"))
    facts = _agreement_facts(report.agreement)
    if report.position is not None:
        show(element("div", report.position.sentence))
    if facts:
        show(element("div", facts, cls="bk-muted bk-small"))


def _agreement_facts(agreement: AgreementView) -> str:
    gwet = agreement.gwet
    if gwet is None:
        return ""
    raters, items = count(agreement.raters, "rater"), count(agreement.items, "item")
    limits = f"{gwet.estimate:.2f} of 1, very likely between {gwet.lower:.2f} and {gwet.upper:.2f}".replace("-", "−")
    beside = "" if agreement.alpha is None else f"Krippendorff's alpha, {agreement.level}, and "
    return f"{beside}Gwet's {gwet.name} ({limits}), from {items} that two or more of {raters} rated."


def _show_raters(report: SessionReport) -> None:
    st.header("The raters", anchor=False)
    if not report.raters:
        st.caption("Nobody has opened the link yet.")
        return
    head = ["Rater", "Rated", "Skipped", "Typical item", "Left", "Gold", "Repeats", "Last seen"]
    show_table(head, [_rater_row(rater) for rater in report.raters], wide=(2, 4, 7))
    show(element("div", report.rule, cls="bk-muted bk-small"))
    if report.skipped:
        told = ", ".join(f"{variant} {number:,}" for variant, number in report.skipped.items())
        show(element("div", f"Skipped or reported, by the variant shown: {told}.", cls="bk-muted bk-small"))


def _rater_row(rater: RaterLine) -> list[str]:
    odd = (f"Left out: {rater.excluded_why}.",) if rater.excluded else rater.flags
    marks = [element("div", flag, cls="bk-worse bk-small", style="white-space:normal") for flag in odd]
    passed = f"{rater.skipped:,}" + (f" + {rater.reported:,} known" if rater.reported else "")
    cells = [
        f"{rater.done:,}",
        passed,
        "–" if rater.median_s is None else seconds_words(rater.median_s),
        "–" if rater.left_share is None else percent(rater.left_share),
        f"{rater.gold_right} of {rater.gold_seen}" if rater.gold_seen else "–",
        f"{rater.repeats_same} of {rater.repeats_seen}" if rater.repeats_seen else "–",
        "–" if rater.last_at is None else ago(rater.last_at),
    ]
    name = element("div", element("b", rater.label), *marks)
    return [name, *(element("span", cell, cls="bk-nowrap") for cell in cells)]
