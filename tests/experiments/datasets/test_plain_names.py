"""Names from other tools become plain ones."""

import pytest

from experiments.datasets.plain_names import nearest_plain_name
from experiments.experiment_file import plain_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("  a  ", "a"),
        ("openai/gpt-4o:x", "openai-gpt-4o-x"),
        ("ü", "thing"),
        ("...x", "x"),
        ("", "thing"),
        ("x" * 200, "x" * 120),
    ],
)
def test_a_name_becomes_the_nearest_plain_one(text, name):
    assert nearest_plain_name(text, otherwise="thing") == name
    assert plain_name(name) == name
