from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.plans.pricing import (
    Price,
    PriceBook,
    cost,
    cost_of_answer,
    projected_cost,
    runs_locally,
    shipped_snapshot,
)
from experiments.vocabulary import CostStatus, Request, Usage

REQUEST = Request("openai/x", ({"role": "user", "content": "a" * 400},), {})
PRICE = Price(input_per_million=3.0, output_per_million=15.0, cached_input_per_million=0.3)


def test_the_cost_of_reported_tokens_is_known():
    assert cost(Usage(1_000, 200), PRICE) == (pytest.approx(0.006), CostStatus.KNOWN)


def test_cached_prompt_tokens_cost_their_own_price():
    dollars, status = cost(Usage(1_000, 0, cached_prompt_tokens=600), PRICE)

    assert dollars == pytest.approx((400 * 3.0 + 600 * 0.3) / 1e6)
    assert status is CostStatus.KNOWN


def test_cached_prompt_tokens_cost_the_full_price_where_no_other_is_known():
    assert cost(Usage(1_000, 0, cached_prompt_tokens=600), Price(3.0, 15.0))[0] == pytest.approx(0.003)


def test_a_cost_with_cached_tokens_of_unknown_price_is_an_estimate():
    assert cost(Usage(1_000, 0, cached_prompt_tokens=600), Price(3.0, 15.0))[1] is CostStatus.ESTIMATED
    assert cost(Usage(1_000, 0, cached_prompt_tokens=0), Price(3.0, 15.0))[1] is CostStatus.KNOWN
    assert cost(Usage(1_000, 0, cached_prompt_tokens=600), Price(0.0, 0.0))[1] is CostStatus.KNOWN


def test_without_a_price_the_cost_is_unknown_and_not_zero():
    assert cost(Usage(1_000, 200), None) == (None, CostStatus.UNKNOWN)


def test_a_true_price_of_zero_is_known():
    assert cost(Usage(1_000, 200), Price(0.0, 0.0)) == (0.0, CostStatus.KNOWN)


@pytest.mark.parametrize("usage", [Usage(), Usage(prompt_tokens=5), Usage(completion_tokens=5)])
def test_without_all_token_counts_the_cost_is_unknown(usage: Usage):
    assert cost(usage, PRICE) == (None, CostStatus.UNKNOWN)


def test_a_long_prompt_costs_its_own_prices_and_is_estimated():
    price = Price(1.0, 10.0, long_above_tokens=200_000, long_input_per_million=2.0, long_output_per_million=15.0)

    assert cost(Usage(300_000, 100), price) == (pytest.approx(0.6015), CostStatus.ESTIMATED)


def test_a_prompt_at_the_threshold_costs_the_usual_price():
    price = Price(1.0, 10.0, long_above_tokens=200_000, long_input_per_million=2.0, long_output_per_million=15.0)

    assert cost(Usage(200_000, 0), price) == (pytest.approx(0.2), CostStatus.KNOWN)


def test_an_assumed_price_gives_an_estimated_cost():
    assert cost(Usage(10, 10), Price(1.0, 1.0, assumed=True))[1] is CostStatus.ESTIMATED


def test_missing_usage_is_estimated_from_the_texts():
    dollars, status = cost_of_answer(REQUEST, Usage(), "b" * 40, PRICE)

    prompt_tokens, completion_tokens = 100 + 4 + 3, 10
    assert dollars == pytest.approx((prompt_tokens * 3.0 + completion_tokens * 15.0) / 1e6)
    assert status is CostStatus.ESTIMATED


def test_a_projection_reserves_the_longest_answer_allowed():
    limited = Request(REQUEST.model, REQUEST.messages, {"max_tokens": 100})

    assert projected_cost(limited, PRICE) == pytest.approx((107 * 3.0 + 100 * 15.0) / 1e6)


def test_a_projection_with_an_observed_mean_stays_below_the_limit():
    limited = Request(REQUEST.model, REQUEST.messages, {"max_tokens": 100})

    assert projected_cost(limited, PRICE, mean_completion_tokens=20) == pytest.approx((107 * 3.0 + 20 * 15.0) / 1e6)
    assert projected_cost(limited, PRICE, mean_completion_tokens=900) == projected_cost(limited, PRICE)


def test_a_projection_without_a_price_is_none():
    assert projected_cost(REQUEST, None) is None


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**7))
def test_the_cost_is_never_negative_and_grows_with_tokens(prompt: int, completion: int, more: int):
    less, _ = cost(Usage(prompt, completion), PRICE)
    greater, _ = cost(Usage(prompt + more, completion + more), PRICE)

    assert less is not None
    assert greater is not None
    assert 0 <= less <= greater


def test_the_authors_own_price_comes_first():
    book = PriceBook({"openai/gpt-4o-mini": Price(7.0, 8.0)})

    assert book.price("openai/gpt-4o-mini", custom_base=True) == Price(7.0, 8.0)


def test_the_namesake_of_a_model_on_ones_own_endpoint_has_an_assumed_price():
    official, own = (PriceBook().price("openai/gpt-4o-mini", custom_base=own) for own in (False, True))

    assert official is not None
    assert own is not None
    assert (official.assumed, own.assumed) == (False, True)
    assert official.input_per_million == own.input_per_million


@pytest.mark.parametrize("model", ["openai/my-own-model", "no-such-model", "anthropic/gpt-4o-mini"])
def test_a_model_that_nobody_priced_has_no_price(model: str):
    assert PriceBook().price(model) is None


@pytest.mark.parametrize("model", ["ollama/llama3.2", "lm_studio/qwen", "llamafile/x"])
def test_models_on_ones_own_machine_are_free(model: str):
    assert PriceBook().price(model) == Price(0.0, 0.0)


def test_a_cloud_model_of_ollama_is_not_free():
    assert not runs_locally("ollama/gpt-oss:20b-cloud")
    assert PriceBook().price("ollama/gpt-oss:20b-cloud") is None


def test_demo_models_have_different_prices():
    small, large = (PriceBook().price(f"demo/{size}") for size in ("small", "large"))

    assert small is not None
    assert large is not None
    assert small.input_per_million < large.input_per_million


def test_the_snapshot_has_no_sample_entry():
    assert "sample_spec" not in shipped_snapshot().models


def test_the_snapshot_holds_prices_of_the_usual_providers():
    priced = [
        m
        for m in ("openai/gpt-4o-mini", "anthropic/claude-sonnet-4-5", "gemini/gemini-2.5-pro")
        if PriceBook().price(m)
    ]

    assert len(priced) == 3


@pytest.mark.parametrize("prefixed", ["openai/gpt-4o-mini", "openai/ft:gpt-4o-mini-2024-07-18:team::id1"])
def test_a_model_is_found_with_its_providers_prefix(prefixed: str):
    facts = PriceBook().facts(prefixed)

    assert facts is not None
    assert facts.provider == "openai"


def test_every_retirement_date_is_a_date():
    dates = [PriceBook().retirement_date(model) for model in shipped_snapshot().models]

    assert all(d is None or isinstance(d, date) for d in dates)
    assert sum(d is not None for d in dates) > 100


def test_the_retirement_date_goes_by_route():
    routes = [m for m in shipped_snapshot().models if m.endswith("gemini-2.5-pro")]

    assert len({PriceBook().retirement_date(m) for m in routes}) > 1


def test_a_zero_in_the_snapshot_is_only_kept_for_local_models():
    free = [
        m
        for m in shipped_snapshot().models
        if (p := PriceBook().price(m)) and p.output_per_million == 0 == p.input_per_million
    ]

    assert all(runs_locally(m) for m in free)
