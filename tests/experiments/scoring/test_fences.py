import pytest

from experiments.scoring.fences import first_fence, sole_fence


@pytest.mark.parametrize(
    ("text", "first", "sole"),
    [
        ("```json\n{}\n```", "{}\n", "{}\n"),
        ("\n ```\na\nb\n ``` \n", "a\nb\n", "a\nb\n"),
        ("Here:\n```py\nx\n```\nand\n```\ny\n```", "x\n", None),
        ("```\nnever closed", None, None),
        ("no fence", None, None),
        ("", None, None),
        ("``` inline ```", None, None),
        ("```\n```", "", ""),
    ],
)
def test_the_inside_of_a_fence_is_found(text, first, sole):
    assert (first_fence(text), sole_fence(text)) == (first, sole)
