"""The experiment file: what people write by hand is read as meant, and every mistake names its line."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.errors import BakeoffError
from experiments.experiment_file import parse_experiment

GOOD = """name: tone
dataset: tickets.csv
inputs: {ticket: body}
variants:
  - name: A
    prompt: "Reply to: {{ticket}}"
    model: openai/gpt-4o-mini
    parameters: {temperature: 0.2, max_tokens: 300, stop: [no, "007"]}
  - name: B
    messages:
      - {role: system, content: "Be kind."}
      - {role: user, content: "{{ticket}}"}
    model: openai/gpt-4o-mini
scorers:
  - exact_match
  - regex: {pattern: "(?i)next step"}
plan:
  primary: {metric: exact_match, smallest_effect: 3e-2}
  guardrails:
    - {metric: cost_usd, margin: 0.10, relative: true}
"""


def _mistake(old: str, new: str) -> BakeoffError:
    with pytest.raises(BakeoffError) as error:
        parse_experiment(GOOD.replace(old, new, 1), source="tone.yaml")
    return error.value


def test_a_good_file_is_read_as_meant():
    spec = parse_experiment(GOOD)
    assert spec.control_name() == "A"
    assert spec.plan.primary.smallest_effect == 0.03
    assert spec.variants[0].parameters == {"temperature": 0.2, "max_tokens": 300, "stop": ["no", "007"]}
    assert [m.role for m in spec.variants[1].messages] == ["system", "user"]


def test_json_is_read_too():
    text = '{"name": "x", "dataset": "d", "variants": [{"name": "A", "prompt": "p", "model": "m/x"}, {"name": "B", "prompt": "q", "model": "m/x"}], "plan": {"primary": {"metric": "m", "smallest_effect": 0.1}}}'
    assert parse_experiment(text).name == "x"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("margin: 0.10", "margn: 0.10", "line 20: unknown key 'margn'. Did you mean 'margin'?"),
        ("dataset:", "datset:", "line 2: unknown key 'datset'. Did you mean 'dataset'?"),
        ("parameters:", "parameter:", "line 8: unknown key 'parameter'"),
        ("role: user", "rle: user", "line 12: unknown key 'rle'"),
        ("role: user", "role: robot", "line 12"),
        ("smallest_effect: 3e-2", "smallest_effect: -1", "line 18"),
        ("smallest_effect: 3e-2", "smallest_effect: .nan", "line 18"),
        ("name: tone", "name: 'a/b'", "line 1"),
        ("name: B", "name: A", "two variants have the same name"),
        ('    prompt: "Reply to: {{ticket}}"\n', "", "needs either 'prompt' or 'messages'"),
        ("dataset: tickets.csv", "datasets: x\ndataset: tickets.csv", "line 2: unknown key 'datasets'"),
        ("name: tone", "name: tone\nname: two", "line 2"),
        ("{ticket: body}", "{ticket: body", "line"),
        ("temperature: 0.2", "temperature: &a 0.2, top_p: *a", "anchors are not allowed"),
        ("variants:", "variants: []\nx:", "line"),
    ],
)
def test_a_mistake_names_the_file_the_line_and_what_to_do(old: str, new: str, said: str):
    error = _mistake(old, new)
    assert said in str(error)
    assert error.message.startswith("tone.yaml, line")


def test_a_nested_anchor_bomb_is_refused_quickly():
    bomb = "a: &a [x, x]\n" + "\n".join(
        f"{c}: &{c} [*{p}, *{p}]" for p, c in zip("abcdefghijkl", "bcdefghijklm", strict=True)
    )
    with pytest.raises(BakeoffError):
        parse_experiment(bomb)


@pytest.mark.parametrize(
    "text",
    ["", "   ", "# nothing", "[]", "just words", "- a", "\x00", "a: !!python/object:os.system x", ": :", "\t- x"],
)
def test_what_is_no_experiment_is_one_sentence(text: str):
    with pytest.raises(BakeoffError) as error:
        parse_experiment(text)
    assert "Traceback" not in str(error.value)


@given(st.text(max_size=300))
@settings(deadline=None, max_examples=300)
def test_no_text_raises_anything_else(text: str):
    try:
        parse_experiment(text)
    except BakeoffError as error:
        assert error.message


def test_a_reference_brings_its_own_model():
    text = GOOD.replace(
        'prompt: "Reply to: {{ticket}}"\n    model: openai/gpt-4o-mini', "prompt: support-reply@production"
    )
    assert parse_experiment(text).variants[0].reference() == ("support-reply", "production")


def test_a_live_file_needs_no_dataset():
    text = GOOD.replace("dataset: tickets.csv\ninputs: {ticket: body}\n", "live: {key: tone, split: {A: 50, B: 50}}\n")
    assert parse_experiment(text).live.split == {"A": 50, "B": 50}


def test_a_split_must_name_each_variant():
    text = GOOD.replace("dataset: tickets.csv\ninputs: {ticket: body}\n", "live: {key: tone, split: {A: 50, C: 50}}\n")
    with pytest.raises(BakeoffError, match="split"):
        parse_experiment(text)


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ("{metric: stars, kind: ordinal, before_days: 14}", "score, binary, ratio"),
        ("{metric: minutes, kind: score, before_with: [activity]}", "needs 'before_days'"),
        ("{metric: minutes, kind: score, before_days: 7, before_with: [minutes]}", "once"),
        ("{metric: minutes, kind: score, before_days: 7, before_with: [likes]}", "'likes', which is no outcome"),
        ("{metric: minutes, kind: score, before_days: 0}", "greater than 0"),
        ("{metric: minutes, kind: score, before_day: 7}", "before_days"),
    ],
)
def test_values_from_before_are_asked_for_where_they_make_sense(outcome, said):
    live = f"live: {{key: tone, split: {{A: 50, B: 50}}, outcomes: [{outcome}]}}\n"
    with pytest.raises(BakeoffError) as error:
        parse_experiment(GOOD.replace("dataset: tickets.csv\ninputs: {ticket: body}\n", live))
    assert said in f"{error.value} {error.value.hint}"


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("limits.budget_usd", "limits: {budget_usd: %s}\n"),
        ("limits.judge_budget_usd", "limits: {judge_budget_usd: %s}\n"),
        ("prices.openai/x.input_per_million", "prices: {openai/x: {input_per_million: %s, output_per_million: 1}}\n"),
        ("prices.openai/x.output_per_million", "prices: {openai/x: {input_per_million: 1, output_per_million: %s}}\n"),
    ],
)
def test_dollars_end_at_a_billion(place: str, text: str):
    parse_experiment(GOOD + text % "1.0e+9")
    for more in ("1.1e+9", "1.0e+308", ".inf", ".nan"):
        with pytest.raises(BakeoffError, match="line 21") as refused:
            parse_experiment(GOOD + text % more, source="tone.yaml")
        assert place in refused.value.message
