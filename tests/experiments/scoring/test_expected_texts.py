import pytest

from experiments.errors import BakeoffError
from experiments.scoring import bind


@pytest.mark.parametrize("name", ["contains", "starts_with", "ends_with"])
@pytest.mark.parametrize("options", [{"text": ""}, {"text": " "}, {"texts": []}, {"texts": ["a", ""]}])
def test_a_blank_text_is_refused_because_every_output_holds_it(name, options):
    with pytest.raises(BakeoffError, match="a text to look for is empty"):
        bind({name: options})


@pytest.mark.parametrize("name", ["contains", "starts_with", "ends_with"])
def test_only_one_source_of_texts_may_be_given(name):
    with pytest.raises(BakeoffError, match="takes only one of text, column"):
        bind({name: {"text": "a", "column": "b"}})
