"""Scorers of other people: nothing of theirs runs here, and nothing they do ends a run."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from importlib import metadata
from pathlib import Path

import pytest

from experiments.errors import BakeoffError
from experiments.scoring import Direction, MetricKind, Score, ScoringContext, bind
from experiments.scoring.custom import BrokenScorer, CustomScorers
from experiments.scoring.custom_process import ProcessLimits
from experiments.vocabulary import ResponseClass

SHOUTING = '''
import os, sys, time
from experiments.scoring import Direction, MetricKind, Score, ScoringContext, scorer

print("this line must not disturb the conversation")


@scorer(kind=MetricKind.SCORE, direction=Direction.LOWER, main="ignore")
def shouting(ctx: ScoringContext, *, ignore: str = "") -> Score:
    """Share of capitals.

    Options:
        ignore: Letters that do not count.
    """
    if ctx.output == "hang":
        while True:
            pass
    if ctx.output == "exit":
        os._exit(3)
    if ctx.output == "eat":
        bytearray(10**11)
    if ctx.output == "environment":
        return Score(float("BAKEOFF_SECRET" in os.environ), ",".join(sorted(os.environ)))
    if ctx.output == "context":
        return Score(ctx.latency_ms, f"{ctx.response_class!r} {ctx.messages} {ctx.row} {ctx.tool_calls}")
    if ctx.output == "pid":
        return Score(float(os.getpid()))
    if ctx.output == "junk":
        os.write(int(sys.argv[2]), b"junk\\n")
    if ctx.output == "number":
        return 1.0
    if ctx.output == "raise":
        raise ValueError("no such luck")
    letters = [c for c in ctx.output if c.isalpha() and c not in ignore]
    return Score(sum(c.isupper() for c in letters) / len(letters)) if letters else Score(None, "no letters")
'''
QUICK = ProcessLimits(score_s=1.0, load_s=20.0)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "shouting.py").write_text(SHOUTING, encoding="utf-8")
    return tmp_path


@pytest.fixture
def custom(folder):
    with CustomScorers(folder, limits=QUICK, with_entry_points=False) as scorers:
        yield scorers


def value(bound, output):
    return bound.score(ScoringContext(output)).value


def test_a_file_is_a_scorer_like_any_other(custom):
    bound = bind({"shouting": {"ignore": "I", "name": "loud"}}, custom=custom)

    assert (bound.metric, bound.kind, bound.direction, bound.options) == (
        "loud",
        MetricKind.SCORE,
        Direction.LOWER,
        {"ignore": "I"},
    )
    assert bound.blocking
    assert [value(bound, text) for text in ("ABcd", "I Ab", "\ud800A", "")] == [0.5, 0.5, 1.0, None]


def test_a_threshold_is_applied(custom):
    bound = bind({"shouting": {"threshold": 0.3}}, custom=custom)

    assert (bound.kind, bound.direction) == (MetricKind.BINARY, Direction.HIGHER)
    assert bound.score(ScoringContext("ABcd")) == Score(0.0, "0.5 is above 0.3", {"value": 0.5})


def test_all_of_the_context_arrives(custom):
    ctx = ScoringContext(
        "context",
        row={"a": "b"},
        messages=({"role": "system", "content": "x"},),
        latency_ms=12.5,
        response_class=ResponseClass.EMPTY,
        tool_calls=({"name": "f"},),
    )

    score = bind("shouting", custom=custom).score(ctx)

    expected = "<ResponseClass.EMPTY: 'empty'> ({'role': 'system', 'content': 'x'},) {'a': 'b'} ({'name': 'f'},)"
    assert score == Score(12.5, expected)


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("hang", "the scorer took longer than 1 s"),
        ("exit", "the scorer's process ended"),
        ("junk", "the scorer's process answered nonsense"),
        ("eat", "the scorer failed: MemoryError:"),
        ("number", "the scorer returned float, not a score"),
        ("raise", "the scorer failed: ValueError: no such luck"),
    ],
)
def test_misbehaviour_costs_one_score_and_the_next_one_counts(custom, output, reason):
    bound = bind("shouting", custom=custom)

    assert bound.score(ScoringContext(output)) == Score(None, reason)
    assert value(bound, "Ab") == 0.5


def test_after_three_failures_in_a_row_the_scorer_is_switched_off(custom):
    bound = bind("shouting", custom=custom)

    reasons = [bound.score(ScoringContext(output)).reason for output in ("exit", "exit", "exit", "Ab")]

    assert reasons[2] == "the scorer's process ended"
    assert reasons[3] == "switched off after 3 failures in a row: the scorer's process ended"


def test_it_is_switched_on_again_after_a_close(custom):
    bound = bind("shouting", custom=custom)
    for _ in range(3):
        bound.score(ScoringContext("exit"))

    custom.close()

    assert value(bound, "Ab") == 0.5


def test_keys_of_the_environment_stay_here(custom, monkeypatch):
    monkeypatch.setenv("BAKEOFF_SECRET", "sk-123")

    score = bind("shouting", custom=custom).score(ScoringContext("environment"))

    assert score.value == 0.0
    assert set(score.reason.split(",")) <= {"PATH", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "TMPDIR", "TZ"}


def test_an_edit_makes_another_version_and_fingerprint(custom, folder):
    before = bind("shouting", custom=custom)
    (folder / "shouting.py").write_text(SHOUTING.replace("isupper", "islower"), encoding="utf-8")

    after = bind("shouting", custom=custom)

    assert before.version.startswith("1+")
    assert before.version != after.version
    assert before.fingerprint != after.fingerprint
    assert (value(before, "ABc"), value(after, "ABc")) == (pytest.approx(2 / 3), pytest.approx(1 / 3))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"shouting": {"ignroe": "x"}}, "Did you mean 'ignore'?"),
        ({"shouting": {"ignore": 3}}, "Put it in quotes to make it a text."),
        ("shoutin", "Did you mean 'shouting'?"),
    ],
)
def test_mistakes_are_told_as_for_built_in_scorers(custom, entry, message):
    with pytest.raises(BakeoffError) as caught:
        bind(entry, custom=custom)

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("def broken(:", "line 1: invalid syntax"),
        ("import nothing_like_this", "ModuleNotFoundError: No module named 'nothing_like_this'"),
        ("x = 1", "ValueError: it defines no function 'mine' with @scorer"),
        ("raise SystemExit(1)", "SystemExit: 1"),
        (
            "from experiments.scoring import *\n@scorer(kind=MetricKind.BINARY)\ndef mine(ctx, text): ...",
            "TypeError: mine: text must be a keyword-only parameter with a type",
        ),
        ("import os; os._exit(0)", "the scorer's process ended"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path, code, reason):
    (tmp_path / "mine.py").write_text(code, encoding="utf-8")

    with CustomScorers(tmp_path, limits=QUICK, with_entry_points=False) as custom:
        assert custom.describe_all() == (BrokenScorer("mine", f"The scorer 'mine' cannot be used: {reason}."),)


def test_files_that_are_no_text_or_too_large_are_refused(tmp_path):
    (tmp_path / "bytes_.py").write_bytes(b"\xff\xfe")
    (tmp_path / "huge.py").write_text("#" * 1_000_001, encoding="utf-8")

    with CustomScorers(tmp_path, with_entry_points=False) as custom:
        reasons = [one.reason for one in custom.describe_all()]

    assert reasons == [
        "The scorer file 'bytes_.py' cannot be read as UTF-8 text.",
        "The scorer file 'huge.py' is larger than 1,000,000 bytes.",
    ]


def test_good_files_are_described_for_docs_and_forms(custom):
    [described] = custom.describe_all()

    assert (described.name, described.summary, described.main) == ("shouting", "Share of capitals.", "ignore")
    assert described.options[0].description == "Letters that do not count."


def test_names_are_the_files_without_private_ones(folder):
    for name in ("_shared.py", "not-a-name.py", "notes.txt", "another.py"):
        (folder / name).write_text("", encoding="utf-8")

    assert CustomScorers(folder, with_entry_points=False).names() == ("another", "shouting")


def test_a_built_in_name_stays_built_in(tmp_path):
    (tmp_path / "regex.py").write_text("raise SystemExit", encoding="utf-8")

    with CustomScorers(tmp_path, with_entry_points=False) as custom:
        assert bind({"regex": "a"}, custom=custom).blocking is False
        assert custom.describe_all() == (BrokenScorer("regex", "a built-in scorer has that name"),)


def test_a_folder_that_is_not_there_is_told_without_its_path(tmp_path):
    with pytest.raises(BakeoffError, match="There is no folder 'nowhere' with scorers") as caught:
        CustomScorers(tmp_path / "nowhere")

    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize(
    "target", ["experiments.scoring.scorers.exact_match:exact_match", "experiments.scoring.scorers.exact_match"]
)
def test_entry_points_of_packages_offer_scorers(monkeypatch, target):
    name = "exact_match" if ":" not in target else "same_text"
    point = metadata.EntryPoint(name, target, "bakeoff.scorers")
    monkeypatch.setattr("experiments.scoring.custom.metadata.entry_points", lambda group: [point])
    monkeypatch.setattr("experiments.scoring.binding.registry.built_in", lambda _name: None)

    with CustomScorers(None, limits=QUICK) as custom:
        bound = bind({name: {"ignore_case": True}}, custom=custom)

        assert bound.score(ScoringContext("A", "a")) == Score(1.0)
        assert bound.version == "2+unversioned"


def test_closing_ends_the_process(custom):
    bound = bind("shouting", custom=custom)
    pid = int(value(bound, "pid"))

    custom.close()

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.faults
def test_an_endless_scorer_ends_even_when_nobody_is_left_to_kill_it(folder, tmp_path):
    told = tmp_path / "pid"
    hanging = SHOUTING.replace(
        "        while True:\n            pass",
        f"        open({str(told)!r}, 'w').write(str(os.getpid()))\n        while True: pass",
    )
    (folder / "shouting.py").write_text(hanging, encoding="utf-8")
    code = f"""
        from pathlib import Path
        from experiments.scoring import ScoringContext, bind
        from experiments.scoring.custom import CustomScorers
        from experiments.scoring.custom_process import ProcessLimits
        custom = CustomScorers(Path({str(folder)!r}), limits=ProcessLimits(score_s=1.0), with_entry_points=False)
        bind("shouting", custom=custom).score(ScoringContext("hang"))
    """
    parent = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], cwd=Path(__file__).parents[3])
    pid = _wait_for(lambda: int(told.read_text() or 0) if told.exists() else 0)

    parent.send_signal(signal.SIGKILL)
    parent.wait()

    assert _wait_for(lambda: not _runs(pid))


def _wait_for(condition, seconds=30.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


def _runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False
