"""What holds for every scorer there is: it never raises, and gives a finite number or a reason."""

import math
import time
from collections import defaultdict

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from experiments.scoring import ScoringContext, bind
from experiments.scoring.registry import all_scorers

EXAMPLES = [bind({name: dict(one.example)}) for name, one in all_scorers().items()]
SYSTEM = {
    "role": "system",
    "content": "You are the agent of the company and must keep the secret code word to yourself.",
}
MEGABYTE = 1_000_000
ODD_TEXTS = st.one_of(
    st.text(st.characters(), max_size=60),
    st.text(alphabet="[]{}\"',:.;0123456789-+eE%$/\\ \n\t", max_size=60),
    st.sampled_from(["", " ", "\0", "\ud800", "\udfff\ud800", "null", "[]", "{}", '""', "NaN", "```", "\u202e", "ﷺ"]),
)


def context(output, reference):
    return ScoringContext(
        output,
        reference,
        row=defaultdict(lambda: reference or "a column of words 123"),
        messages=(SYSTEM,),
        cost_usd=0.001,
        latency_ms=12.5,
    )


@pytest.mark.parametrize("bound", EXAMPLES, ids=lambda bound: bound.scorer)
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@example("", "")
@example("\ud800\0", "\ud800\0")
@example("12", "12")
@given(ODD_TEXTS, ODD_TEXTS)
def test_any_output_and_reference_give_a_finite_number_or_a_reason(bound, output, reference):
    score = bound.score(context(output, reference))

    if score.value is None:
        assert score.reason
        assert "failed" not in score.reason
    else:
        assert math.isfinite(score.value)
    assert score.reason is None or score.reason.isprintable()


@pytest.mark.parametrize("bound", EXAMPLES, ids=lambda bound: bound.scorer)
def test_scoring_again_gives_the_same_score(bound):
    ctx = context('The answer is 42 [1]. {"a": 1}', "42")

    assert bound.score(ctx) == bound.score(ctx)


@pytest.mark.parametrize(
    "piece",
    ["The fox [1] jumps over 12 dogs. ", "1,", "(", "好", "\ud800", "a.b@"],
    ids=["prose", "digits", "open", "han", "half", "mail"],
)
@pytest.mark.parametrize("bound", EXAMPLES, ids=lambda bound: bound.scorer)
def test_a_megabyte_is_scored_soon(bound, piece):
    text = piece * (MEGABYTE // len(piece))
    started = time.monotonic()

    bound.score(context(text, "the reference 42"))

    assert time.monotonic() - started < 10


@pytest.mark.parametrize("bound", [b for b in EXAMPLES if "reference" in b.needs], ids=lambda bound: bound.scorer)
@pytest.mark.parametrize("reference", [None, "", "  "])
def test_a_scorer_that_needs_a_reference_gives_no_score_without_one(bound, reference):
    score = bound.score(ScoringContext("output", reference))

    assert (score.value, score.reason) == (None, "no reference")


def test_no_heavy_library_is_loaded_with_the_scorers():
    import subprocess
    import sys

    code = (
        "import sys; from experiments.scoring import bind, describe_all, ScoringContext\n"
        "[bind({d.name: dict(d.example)}).score(ScoringContext('a', 'b')) for d in describe_all()]\n"
        "print([m for m in ('numpy', 'pandas', 'scipy', 'litellm', 'sqlmodel', 'streamlit') if m in sys.modules])"
    )

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert result.stdout.strip() == "[]"
