"""Our description and the protocol's hold: generated requests, right and wrong, get the answers that they promise."""

from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, assume, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    positive_data_acceptance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.gateway.conftest import Served

CONTRACT = Path(__file__).resolve().parent.parent / "contracts" / "ofrep-openapi.yaml"
EXAMPLES = 4
ALWAYS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
SETTINGS = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def assert_holds(gateway: Served, description: dict[str, Any], mode: GenerationMode) -> int:
    """How many requests were tried; raises where an answer is not what the description promises."""
    schema = schemathesis.openapi.from_dict(description)
    schema.config.update(base_url=gateway.address)
    accepts = positive_data_acceptance if mode is GenerationMode.POSITIVE else negative_data_rejection
    tried = 0
    for result in schema.get_all_operations():

        @SETTINGS
        @given(case=result.ok().as_strategy(generation_mode=mode))
        def check(case: schemathesis.Case) -> None:
            nonlocal tried
            # a control character in an address never reaches the API: the router has no such path
            assume(all(str(value).isprintable() for value in (case.path_parameters or {}).values()))
            tried += 1
            case.call_and_validate(headers=gateway.headers, checks=[*ALWAYS, accepts], timeout=20)

        check()
    return tried


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_our_description_is_true(gateway: Served, mode: GenerationMode):
    description = httpx.get(f"{gateway.address}/api/v1/openapi.json", headers=gateway.headers).json()
    assert len(description["paths"]) >= 11
    assert assert_holds(gateway, description, mode) > 15


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_the_protocol_of_flags_is_kept(gateway: Served, mode: GenerationMode):
    description = yaml.safe_load(CONTRACT.read_text("utf-8"))
    # Its oneOf cannot be met by any flag with a value: the flag without one has no property that would exclude it.
    flag = description["components"]["schemas"]["evaluationSuccess"]["allOf"][1]
    flag["anyOf"] = flag.pop("oneOf")
    # Generated keys name no flag: the one that exists has to be tried too.
    for key in ("refund-reply", "reply"):
        for parameter in description["paths"]["/ofrep/v1/evaluate/flags/{key}"]["post"]["parameters"]:
            parameter["schema"] = {"type": "string", "enum": [key]}
        assert assert_holds(gateway, description, mode) >= 2
