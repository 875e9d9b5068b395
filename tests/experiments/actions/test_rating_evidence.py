"""From votes to evidence: the analysis table, the results, the report, the exports."""

import pytest
from starlette.testclient import TestClient

from experiments.actions.rating.open_rating import close_session
from experiments.actions.results.analyse import fresh_analysis
from experiments.errors import BakeoffError, Conflict
from experiments.loading.find import find_experiment
from experiments.loading.results.evidence_table import human_labels
from experiments.ratings.session_file import session_from
from experiments.views.rating.report import session_items, session_report
from experiments.views.rating.sessions import preview_session, rating_sessions, waiting_ratings
from experiments.views.results.exports import export_rows
from experiments.views.trying.checks import answers_to_try, remarks_on
from storage.store import Store
from tests.builders import ADA
from tests.rating_builders import arrived, imported, opened, rate_everything, served


def kind_wins(task):
    """The choice of somebody who likes the kind answer on even tickets and cannot tell on odd ones."""
    if int(task["prompt_text"].split("number ")[1].split(":")[0]) % 2:
        return "both_good"
    return "left" if "kind" in task["left"] else "right"


@pytest.fixture
def client(store: Store):
    """A browser in front of the server."""
    with TestClient(served(store)) as opened_client:
        yield opened_client


def test_votes_become_rows_of_items_told_from_the_variants_whatever_the_side(store: Store, client: TestClient):
    session = opened(store, imported(store, rows=40), overlap=2)
    for _ in range(2):
        rate_everything(arrived(client, session), kind_wins)
    rows = [row for row in export_rows(store, "replies", "analysis")[1] if row["metric"] == "preferred"]
    assert len(rows) == 80
    for row in rows:
        even = int(row["unit_id"][1:]) % 2 == 0
        assert (row["variant"], row["opponent"]) == ("blue-owl", "red-fox")
        assert row["value"] == (0.0 if even else 0.5)
    assert {row["rater_id"] for row in rows} == {"s1r1", "s1r2"}


def test_results_tell_the_preference_and_the_agreement(store: Store, client: TestClient):
    session = opened(store, imported(store, rows=40), overlap=2)
    for _ in range(2):
        rate_everything(arrived(client, session), kind_wins)
    result = fresh_analysis(store, "replies").result
    [preferred] = [c for c in result["comparisons"] if c["metric"] == "preferred" and c["slice"] is None]
    assert (preferred["role"], preferred["better"], preferred["n_units"]) == ("secondary", "treatment", 40)
    assert preferred["estimate"] == pytest.approx(0.25)
    assert (preferred["details"]["wins"], preferred["details"]["ties"]) == (20, 20)
    [agreement] = result["agreement"]
    assert (agreement["metric"], agreement["alpha"], agreement["raters"]) == ("preferred", 1.0, 2)


def test_a_vote_and_its_undo_make_the_analysis_stale(store: Store, client: TestClient):
    session = opened(store, imported(store))
    first = fresh_analysis(store, "replies").number
    arrived(client, session)
    task = client.get("/api/v1/rate/state").json()["tasks"][0]
    body = {"votes": [{"seq": 1, "task": task["id"], "choice": "left", "ms": 10, "action": "vote"}]}
    client.post("/api/v1/rate/votes", json=body)
    assert fresh_analysis(store, "replies").number == first + 1
    client.post("/api/v1/rate/undo", json={"task": task["id"]})
    assert fresh_analysis(store, "replies").number == first + 2
    assert fresh_analysis(store, "replies").number == first + 2


def test_people_decide_when_the_plan_says_so(store: Store, client: TestClient):
    plan = {"primary": {"metric": "preferred", "smallest_effect": 0.05}}
    session = opened(store, imported(store, rows=40, plan=plan), overlap=2)
    rate_everything(arrived(client, session), kind_wins)
    early = fresh_analysis(store, "replies").result
    assert early["verdict"]["outcome"] != "ship"
    assert early["comparisons"][0]["estimate"] is None
    assert "reads this once" in session_report(store, session.session_id).result_hidden
    rate_everything(arrived(client, session), kind_wins)
    late = fresh_analysis(store, "replies").result
    assert late["verdict"]["outcome"] == "ship"
    assert late["verdict"]["winner"] == "red-fox"
    assert session_report(store, session.session_id).result is not None


def test_ratings_that_decide_and_are_not_there_are_named_and_not_called_few_rows(store: Store, client: TestClient):
    plan = {"primary": {"metric": "preferred", "smallest_effect": 0.05}}
    session = opened(store, imported(store, rows=40, plan=plan), overlap=2)
    result = fresh_analysis(store, "replies").result
    assert "no rating of it is in yet" in " ".join(check["message"] for check in result["health"])
    rate_everything(arrived(client, session), kind_wins)
    early = fresh_analysis(store, "replies").result
    assert "40 ratings in, no item has all its raters yet" in " ".join(check["message"] for check in early["health"])
    assert early["verdict"]["outcome"] == "keep_collecting"


def test_a_session_that_is_over_without_a_rating_says_so(store: Store):
    plan = {"primary": {"metric": "preferred", "smallest_effect": 0.05}}
    session = opened(store, imported(store, rows=40, plan=plan), overlap=2)
    close_session(store, session.session_id, actor=ADA)
    verdict = fresh_analysis(store, "replies").result["verdict"]
    assert (verdict["outcome"], verdict["deciding_rule"]) == ("cannot_decide", "health:ratings")
    assert "their session is over: nobody rated" in verdict["detail"]
    assert "0 rows" not in verdict["sentence"]


def test_a_session_that_ends_by_its_time_is_read_anew(store: Store, client: TestClient):
    plan = {"primary": {"metric": "preferred", "smallest_effect": 0.05}}
    session = opened(store, imported(store, rows=40, plan=plan), overlap=2)
    rate_everything(arrived(client, session), kind_wins)
    assert fresh_analysis(store, "replies").result["verdict"]["outcome"] == "keep_collecting"
    with store.begin() as tx:
        tx.ratings.change(session.session_id, closes_at=tx.clock())
    late = fresh_analysis(store, "replies").result
    assert late["verdict"]["outcome"] == "ship"
    assert late["comparisons"][0]["n_units"] == 40


def test_a_plan_may_name_a_rating_before_anybody_rates(store: Store):
    from tests.builders import made, run_to_end, spec_of

    spec = spec_of(
        ratings=[{"metric": "helpful", "kind": "scale"}],
        plan={"primary": {"metric": "helpful", "smallest_effect": 0.2}},
    )
    made(store, spec)
    run_to_end(store)
    assert fresh_analysis(store, "sums").result["comparisons"][0]["status"] == "no_data"
    with pytest.raises(Conflict, match="kind"):
        opened(store, "sums", kind="thumbs", metric="helpful")
    session = opened(store, "sums", kind="scale", metric="helpful", overlap=1)
    with TestClient(served(store)) as client:
        rate_everything(arrived(client, session), lambda task: _grade(task["prompt_text"], task["text"]))
    result = fresh_analysis(store, "sums").result
    assert result["comparisons"][0]["metric"] == "helpful"
    assert result["comparisons"][0]["estimate"] > 1
    assert result["comparisons"][0]["n_units"] == 40


def _grade(question: str, answer: str) -> str:
    """5 or 4 for an answer in JSON, 3 for another."""
    return str(5 - int(question[-2]) % 2) if '"answer"' in answer else "3"


def test_a_plan_that_names_what_nobody_measures_is_refused(store: Store):
    from tests.builders import made, spec_of

    with pytest.raises(BakeoffError, match="nothing measures"):
        made(store, spec_of(plan={"primary": {"metric": "helpful", "smallest_effect": 0.2}}))


def test_single_answers_are_labels_for_judges(store: Store, client: TestClient):
    session = opened(store, imported(store), kind="thumbs", overlap=2)
    for _ in range(2):
        rate_everything(arrived(client, session), lambda task: "up" if "kind" in task["text"] else "down")
    opened(store, "replies")
    with store.read() as tx:
        labels = human_labels(tx, find_experiment(tx, "replies"))
    assert list(labels.columns) == ["variant", "unit_id", "value", "rater_id", "metric"]
    assert len(labels) == 48
    assert labels.groupby("variant")["value"].unique().map(list).to_dict() == {"blue-owl": [0.0], "red-fox": [1.0]}


def test_what_people_said_in_sessions_is_read_where_checks_are_made(store: Store, client: TestClient):
    session = opened(store, imported(store, rows=6), kind="thumbs", metric="helpful", overlap=2)
    for _ in range(2):
        rate_everything(arrived(client, session), lambda task: "up" if "kind" in task["text"] else "down")
    answers = answers_to_try(store, "replies", rated_as="helpful")
    assert {(a.variant, a.people) for a in answers} == {("red-fox", 1.0), ("blue-owl", 0.0)}
    remarks = remarks_on(store, "replies", metric="helpful", rated_as="helpful")
    assert len(remarks) == 12


def test_what_raters_said_who_are_left_out_is_not(store: Store, client: TestClient):
    gold = [{"text": f"Answer {n}", "prompt_text": f"Question {n}", "answer": "up"} for n in range(4)]
    session = opened(store, imported(store), kind="thumbs", metric="helpful", overlap=1, gold=gold)
    rate_everything(arrived(client, session), lambda _task: "down")
    [rater] = session_report(store, session.session_id).raters
    assert rater.excluded
    assert remarks_on(store, "replies", metric="helpful", rated_as="helpful") == []


def test_three_variants_are_ranked(store: Store, client: TestClient):
    imported(store, rows=20, variants=("one-owl", "two-fox", "three-elk"))
    session = opened(store, overlap=1)
    best = ("short", "kind", "plain")

    def choose(task):
        left = next(n for n, tone in enumerate(best) if tone in task["left"])
        right = next(n for n, tone in enumerate(best) if tone in task["right"])
        return "left" if left < right else "right"

    assert len(rate_everything(arrived(client, session), choose)) == 60
    standings = fresh_analysis(store, "replies").result["standings"][0]
    assert [place["variant"] for place in standings["variants"]] == ["three-elk", "two-fox", "one-owl"]
    ranking = session_report(store, session.session_id).result.ranking
    assert [(r.variant, r.best_rank, r.worst_rank) for r in ranking[:1]] == [("three-elk", 1, 1)]


def test_raters_who_fail_known_answers_are_left_out_and_both_results_are_shown(store: Store, client: TestClient):
    gold = [{"unit": f"t{i}", "answer": "red-fox"} for i in range(0, 12, 2)]
    session = opened(store, imported(store, rows=60), gold=gold, overlap=2, repeats=3)
    rate_everything(arrived(client, session), lambda t: "left" if "kind" in t["left"] else "right")
    rate_everything(arrived(client, session), lambda t: "right" if "kind" in t["left"] else "left")
    assert session_report(store, session.session_id).result.pairs[0].sentence.startswith("red-fox is rated better than")
    report = session_report(store, session.session_id)
    good, bad = report.raters
    assert (good.gold_right, good.gold_seen, good.excluded) == (6, 6, False)
    assert (bad.gold_right, bad.gold_seen, bad.excluded) == (0, 6, True)
    assert (good.repeats_same, good.repeats_seen) == (3, 3)
    assert bad.flags[-1] == "Right on 0 of 6 known answers."
    assert (report.result.pairs[0].wins, report.result.pairs[0].items) == (54, 54)
    assert report.result_with_all.pairs[0].ties == 54
    assert report.agreement_with_all.alpha < 0
    assert report.agreement.alpha is None
    assert "known answers" in report.rule
    result = fresh_analysis(store, "replies").result
    assert [c["status"] for c in result["health"] if c["check"] == "raters_left_out"] == ["warn"]


def test_the_report_reads_in_plain_words(store: Store, client: TestClient):
    session = opened(store, imported(store, rows=40), overlap=2)
    for _ in range(2):
        rate_everything(arrived(client, session), kind_wins)
    report = session_report(store, session.session_id)
    assert report.items_by_ratings == {2: 40}
    assert report.agreement.sentence.startswith("Raters agree well (1.00 of 1")
    assert report.agreement.gwet.name == "AC1"
    assert 0.8 < report.agreement.gwet.lower < report.agreement.gwet.estimate == 1
    assert report.position.votes == 40
    assert report.result.pairs[0].sentence.startswith("red-fox is rated better than blue-owl: +25.0 points")
    assert "red-fox won 20 items, tied 20 and lost 0" in report.result.pairs[0].sentence
    [line] = session_items(store, session.session_id, offset=39)
    assert (line.ratings, line.wanted, [name for name, _ in line.answers]) == (2, 2, ["blue-owl", "red-fox"])
    assert {said for _, said in line.said} <= {"red-fox", "both_good"}
    assert report.to_json()["summary"]["items_full"] == 40


def test_the_price_in_minutes_stands_before_the_session_opens(store: Store):
    imported(store)
    preview = preview_session(store, "replies", session_from({"overlap": 2, "quota": 8, "repeats": 0}))
    assert (preview.items, preview.ratings, preview.raters_needed) == (12, 24, 3)
    words = len(["ticket:", "Ticket", "number", "1:", "where", "is", "my", "parcel?", "language:", "en"]) + 2 * 8
    assert preview.words_per_item == pytest.approx(words, abs=0.2)
    assert preview.seconds_per_item == pytest.approx(4 + words / 4, abs=0.1)
    assert preview.minutes_total == pytest.approx(24 * preview.seconds_per_item / 60, abs=0.1)
    assert rating_sessions(store) == ()


def test_sessions_are_listed_with_their_progress(store: Store, client: TestClient):
    session = opened(store, imported(store), overlap=1, raters=1)
    [waiting] = waiting_ratings(store)
    assert (waiting.experiment, waiting.items_left) == ("replies", 12)
    rate_everything(arrived(client, session), kind_wins)
    [summary] = rating_sessions(store, "replies")
    assert (summary.ratings, summary.ratings_wanted, summary.items_full, summary.raters) == (12, 12, 12, 1)
    assert (summary.state, summary.link.state) == ("open", "full")
    assert waiting_ratings(store) == ()
    close_session(store, session.session_id, actor=ADA)
    assert rating_sessions(store)[0].state == "closed"


def test_a_full_session_ends_by_itself_after_the_time_to_undo(store: Store, client: TestClient, clock):
    session = opened(store, imported(store), overlap=1)
    rate_everything(arrived(client, session), kind_wins)
    assert rating_sessions(store)[0].state == "open"
    clock.advance(minutes=11)
    assert rating_sessions(store)[0].state == "closed"


def test_exported_ratings_tell_side_time_and_purpose(store: Store, client: TestClient):
    gold = [{"prompt_text": "Hi", "first": "Good.", "second": "Bad.", "answer": "first"}]
    session = opened(store, imported(store), overlap=1, gold=gold, repeats=2)
    rate_everything(arrived(client, session), lambda task: "left")
    columns, rows = export_rows(store, "replies", "ratings")
    rows = list(rows)
    assert [row["purpose"] for row in rows].count("rating") == 12
    assert [row["purpose"] for row in rows].count("gold") == 1
    assert [row["purpose"] for row in rows].count("repeat") == 2
    for row in rows:
        assert set(row) == set(columns)
        assert row["choice"] == "left"
        assert row["value"] == (1.0 if row["side"] == "left" else 0.0)
        assert row["seconds"] == 4.0


def test_an_experiment_without_answers_cannot_be_rated(store: Store):
    from tests.builders import made

    made(store)
    with pytest.raises(Conflict, match="no answers yet"):
        opened(store, "sums")
