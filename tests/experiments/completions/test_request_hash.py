from __future__ import annotations

import pytest

from experiments.completions import request_hash
from experiments.vocabulary import Request

BASE = "http://127.0.0.1:8000/v1"
REQUEST = Request("openai/m", ({"role": "user", "content": "hi"},), {"temperature": 0.2, "seed": 1})


def test_the_same_call_has_the_same_hash_whatever_the_order_of_its_parameters():
    turned = Request("openai/m", ({"content": "hi", "role": "user"},), {"seed": 1, "temperature": 0.2})

    assert request_hash(REQUEST, api_base=BASE, sample=0) == request_hash(turned, api_base=f"{BASE}/", sample=0)


@pytest.mark.parametrize(
    "other",
    [
        Request("openai/n", REQUEST.messages, REQUEST.parameters),
        Request("openai/m", ({"role": "user", "content": "hi!"},), REQUEST.parameters),
        Request("openai/m", REQUEST.messages, {"temperature": 0.3, "seed": 1}),
        Request("openai/m", REQUEST.messages, {**REQUEST.parameters, "tools": [{"type": "function"}]}),
    ],
)
def test_whatever_shapes_the_answer_changes_the_hash(other: Request):
    assert request_hash(other, api_base=BASE, sample=0) != request_hash(REQUEST, api_base=BASE, sample=0)


def test_repetitions_do_not_share_an_answer():
    assert request_hash(REQUEST, api_base=BASE, sample=0) != request_hash(REQUEST, api_base=BASE, sample=1)


def test_endpoints_do_not_share_an_answer():
    hashes = {request_hash(REQUEST, api_base=base, sample=0) for base in (None, BASE, "http://127.0.0.1:9000/v1")}

    assert len(hashes) == 3


def test_a_parameter_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="Out of range"):
        request_hash(Request("m", (), {"temperature": float("nan")}), api_base=None, sample=0)
