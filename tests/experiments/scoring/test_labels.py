import pytest

from experiments.scoring.labels import label_set, mentioned, normal_label


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('["a", "B c"]', {"a", "b c"}),
        ('```json\n["a"]\n```', {"a"}),
        ("a, b; c | d", {"a", "b", "c", "d"}),
        ("- one\n* two\n3. three", {"one", "two", "three"}),
        ("Labels: a, b", {"a", "b"}),
        ("", set()),
        ("[]", set()),
        ("[not json", {"not json"}),
        ("[1, 2]", set()),
    ],
)
def test_sets_of_labels_are_read(text, expected):
    assert label_set(text) == expected


def test_normal_labels_join_dashes_and_underscores():
    assert normal_label("Bug-Report_now") == "bug report now"


def test_a_label_inside_a_longer_one_is_not_mentioned():
    assert mentioned("A bug report!", ["bug", "bug report"]) == ["bug report"]
