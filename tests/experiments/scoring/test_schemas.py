import pytest

from experiments.scoring.schemas import CompiledSchema
from tests.experiments.scoring.scored import score


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"$defs": {"a/b": {"type": "string"}}, "$ref": "#/$defs/a~1b"}, "x", 1),
        ({"prefixItems": [{"type": "string"}], "items": {"$ref": "#/prefixItems/0"}}, ["a", "b"], ["a", 1]),
    ],
)
def test_references_inside_the_schema_are_followed(schema, good, bad):
    compiled = CompiledSchema(schema)

    assert compiled.first_violation(good) is None
    assert compiled.first_violation(bad) is not None


def test_a_schema_that_only_refers_to_itself_gives_no_score():
    found = score({"json_schema": {"schema": {"$ref": "#"}}}, "1")

    assert found.value is None
    assert found.reason.startswith("the scorer failed: RecursionError")


def test_pattern_and_unevaluated_properties_together_are_refused():
    with pytest.raises(ValueError, match="is not supported"):
        CompiledSchema({"patternProperties": {"a": True}, "unevaluatedProperties": False})
