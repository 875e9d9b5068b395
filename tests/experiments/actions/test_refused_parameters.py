"""Parameters that may not be sent are refused where a design, a prompt, a try or a judge is taken in."""

import math

import pytest

from experiments.actions.registry.save_prompt import save_prompt
from experiments.actions.runs.apply_judges import apply_judges
from experiments.actions.runs.start_run import start_run
from experiments.actions.trying.try_prompts import try_prompts
from experiments.completions.parameters import check_parameters
from experiments.errors import BakeoffError
from experiments.prompts.content import text_prompt
from experiments.views.results.exports import export_rows
from tests.builders import ADA, made, run_to_end, spec_of

REFUSED = [
    {"api_base": "http://127.0.0.1:9"},
    {"api_key": "sk-other"},
    {"extra_headers": {"x": "y"}},
    {"mock_response": "yes"},
    {"fallbacks": ["openai/other"]},
    {"n": 2},
    {"extra_body": {"model": "other"}},
    {"logit_bias": {"1": 1e308}},
    {"extra_body": {"stop": [1e155]}},
]


def _spec(parameters):
    variants = [
        {"name": "A", "prompt": "{{question}}", "model": "demo/small"},
        {"name": "B", "prompt": "{{question}}!", "model": "demo/small", "parameters": parameters},
    ]
    return spec_of(variants=variants)


@pytest.mark.parametrize("parameters", REFUSED)
def test_a_design_a_prompt_and_a_try_are_refused(sqlite_store, parameters):
    content = text_prompt("{{question}}", model="demo/small", parameters=parameters)
    for refused in (
        lambda: made(sqlite_store, _spec(parameters)),
        lambda: save_prompt(sqlite_store, "greeting", content, actor=ADA),
        lambda: try_prompts(sqlite_store, {"A": content}, {"question": "?"}, actor=ADA),
    ):
        with pytest.raises(BakeoffError) as error:
            refused()
        assert error.value.code == "refused_parameter"


def test_a_judge_is_refused_before_it_is_paid(sqlite_store):
    made(sqlite_store, rows=5)
    run_to_end(sqlite_store)
    judge = {"judge": {"model": "demo/judge", "rubric": "Helps.", "parameters": {"api_base": "http://127.0.0.1:9"}}}
    with pytest.raises(BakeoffError, match=r"the judge 'judge'.*'api_base'"):
        apply_judges(sqlite_store, "sums", actor=ADA, judges=[judge])


def test_a_design_from_before_the_rule_is_refused_when_it_starts(sqlite_store, monkeypatch):
    with monkeypatch.context() as before:
        before.setattr("experiments.actions.registry.save_prompt.check_parameters", lambda _parameters, of: None)
        before.setattr("experiments.loading.runs.design.check_all_parameters", lambda _variants, _judges: None)
        made(sqlite_store, _spec({"api_base": "http://127.0.0.1:9"}))
    with pytest.raises(BakeoffError, match=r"the variant 'B'.*'api_base'"):
        start_run(sqlite_store, "sums", actor=ADA)
    assert list(export_rows(sqlite_store, "sums", "attempts")[1]) == []


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_does_not_know_are_no_parameters(number):
    with pytest.raises(BakeoffError):
        text_prompt("{{question}}", model="demo/small", parameters={"temperature": number})
    with pytest.raises(BakeoffError):
        check_parameters({"temperature": number}, of="a judge")


@pytest.mark.parametrize("parameters", [{"temperature": 5e-324}, {"temperature": 0.7, "seed": 2**60}])
def test_small_numbers_and_long_seeds_may_be_sent(sqlite_store, parameters):
    assert made(sqlite_store, _spec(parameters)).name == "sums"
