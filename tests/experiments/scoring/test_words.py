import pytest

from experiments.scoring.words import content_words, runs, sentences, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't stop, well-known co-op!", ["Don't", "stop", "well-known", "co-op"]),
        ("snake_case 3.5", ["snake", "case", "3", "5"]),
        ("好的 ok", ["好", "的", "ok"]),
        ("Straße été Ελλάς", ["Straße", "été", "Ελλάς"]),
        ("", []),
        ("\ud800 \0 …", []),
    ],
)
def test_words_are_cut_in_any_script(text, expected):
    assert words(text) == expected


def test_runs_are_cut_at_every_mark():
    assert runs("Don't well-known 好的") == ["Don", "t", "well", "known", "好", "的"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        (
            "Dr. A. Lee paid $3.50 to Ms. Roe, e.g. today. Fine",
            ["Dr. A. Lee paid $3.50 to Ms. Roe, e.g. today.", "Fine"],
        ),
        ('He said "Go." Then he went.', ['He said "Go."', "Then he went."]),
        ("1. First\n2. Second", ["1. First\n2. Second"]),
        ("A title\n\nA paragraph", ["A title", "A paragraph"]),
        ("好的。我来！", ["好的。", "我来！"]),
        ("Wait... what?!", ["Wait...", "what?!"]),
        ("... !!! ???", []),
        ("", []),
    ],
)
def test_sentences_end_where_people_end_them(text, expected):
    assert sentences(text) == expected


def test_content_words_leave_function_words_out():
    assert content_words("The refund of the order, und die Rechnung") == ["refund", "order", "rechnung"]
