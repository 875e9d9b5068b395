"""From answers to items: pairs, overlap, names that leak, gold."""

import pytest

from experiments.errors import BakeoffError
from experiments.ratings.items import RatableRow, ShownAnswer, draft_session
from experiments.ratings.leaks import LeakFilter
from experiments.ratings.session_file import session_from
from experiments.ratings.showing import shown, visible_input

VARIANTS = ("careful", "B", "C")
LEAKS = LeakFilter.of(models=["openai/gpt-4o-mini", "demo/small"], variants=VARIANTS)


def _rows(count: int = 10, variants=VARIANTS[:2], **texts: str) -> list[RatableRow]:
    return [
        RatableRow(
            f"e{i}",
            f"u{i}",
            f"Ticket {i}",
            {v: ShownAnswer(f"{v}{i}", texts.get(v, f"answer {n} to {i}")) for n, v in enumerate(variants)},
        )
        for i in range(count)
    ]


def _drafted(rows, variants=VARIANTS[:2], **spec):
    return draft_session(rows, session_from(spec), variants=variants, leaks=LEAKS, seed=3)


def test_two_variants_make_one_pair_per_row_in_random_order():
    draft = _drafted(_rows())
    assert len(draft.items) == 10
    assert {(i.first_output_id[0], i.second_output_id[0]) for i in draft.items} == {("c", "B")}
    assert [i.example_id for i in draft.items] != [f"e{i}" for i in range(10)]
    assert draft.ratings == 20


def test_three_variants_make_every_pair_or_only_those_with_the_control():
    rows = _rows(4, VARIANTS)
    assert len(_drafted(rows, VARIANTS).items) == 12
    against_control = _drafted(rows, VARIANTS, pairs="control").items
    assert {item.first_output_id for item in against_control} == {f"careful{i}" for i in range(4)}
    assert len(against_control) == 8


def test_single_answers_make_one_item_each_with_the_same_overlap_within_a_row():
    draft = _drafted(_rows(), kind="thumbs", overlap=3, overlap_share=0.4)
    assert len(draft.items) == 20
    wanted = {
        item.example_id: {i.wanted for i in draft.items if i.example_id == item.example_id} for item in draft.items
    }
    assert sorted(len(w) for w in wanted.values()) == [1] * 10
    assert sorted(w for both in wanted.values() for w in both) == [1] * 6 + [3] * 4


def test_a_row_that_one_variant_did_not_answer_is_left_out_and_counted():
    rows = _rows(3)
    rows[0] = RatableRow("e0", "u0", "Ticket", {"careful": ShownAnswer("x", "only one")})
    for kind in ("pairwise", "thumbs"):
        draft = _drafted(rows, kind=kind)
        assert draft.rows == 2
        assert draft.left_out == {"not answered": 1}


@pytest.mark.parametrize(
    "text",
    ["I am ChatGPT.", "As GPT-4o-mini, I", "made by OpenAI", "the careful variant says", "I'm Claude", "gpt 5 here"],
)
def test_answers_that_name_their_maker_are_left_out_or_masked(text: str):
    assert _drafted(_rows(3, careful=text), leaks="keep").left_out == {}
    with_mask = _drafted(_rows(3, careful=text), leaks="mask")
    assert len(with_mask.items) == 3
    draft = _drafted(_rows(3, careful=text))
    assert (draft.items, draft.left_out) == ((), {"names a model or variant": 3})
    assert LEAKS.find(LEAKS.mask(text)) is None


@pytest.mark.parametrize("text", ["A good answer, B or C.", "carefully done", "a claudette", "an openair concert"])
def test_ordinary_words_give_nobody_away(text: str):
    assert LEAKS.find(text) is None


def test_a_name_that_the_row_itself_speaks_of_gives_nobody_away():
    assert LEAKS.find("Claude is a river.", said_before="What is the Claude?") is None
    assert LEAKS.find("Claude wrote this, says OpenAI.", said_before="What is the Claude?") == "OpenAI"


def test_gold_rows_are_kept_out_of_the_draw_and_know_their_answer():
    draft = _drafted(_rows(), gold=[{"unit": "u3", "answer": "B"}, {"unit": "u4", "answer": "both_bad"}])
    assert {item.example_id for item in draft.items} == {f"e{i}" for i in range(10) if i not in (3, 4)}
    assert [(g.first_output_id, g.expected) for g in draft.gold] == [("careful3", "second"), ("careful4", "both_bad")]


def test_gold_items_by_hand_hold_their_texts():
    [gold] = _drafted(_rows(), gold=[{"first": "yes", "second": "no", "answer": "first"}]).gold
    assert (gold.texts, gold.expected, gold.example_id) == (
        {"prompt_text": "", "first": "yes", "second": "no"},
        "first",
        None,
    )


@pytest.mark.parametrize(
    ("gold", "code"),
    [
        ({"unit": "u33", "answer": "B"}, "no_such_row"),
        ({"unit": "u3", "answer": "Z"}, "no_such_variant"),
    ],
)
def test_gold_items_that_cannot_be_are_refused(gold, code: str):
    with pytest.raises(BakeoffError) as caught:
        _drafted(_rows(), gold=[gold])
    assert caught.value.code == code


def test_the_same_text_twice_is_counted():
    assert _drafted(_rows(5, careful="same", B="same")).same_twice == 5


def test_the_time_for_an_item_is_reading_and_deciding():
    draft = _drafted(_rows(2, careful="one two three", B="one two three"))
    assert draft.seconds_per_item == 4 + (2 + 3 + 3) / 4


def test_what_is_shown_has_sides_and_nothing_else():
    assert shown("x", "p", ("first", "second"), swapped=False).to_json() == {
        "id": "x",
        "prompt_text": "p",
        "left": "first",
        "right": "second",
    }
    turned = shown("x", "p", ("first", "GPT-4 second"), swapped=True, mask=LEAKS.mask).to_json()
    assert (turned["left"], turned["right"]) == ("▒▒▒ second", "first")
    assert shown("x", "", ("alone", None), swapped=False).to_json() == {"id": "x", "prompt_text": "", "text": "alone"}


def test_several_columns_are_shown_with_their_names():
    cells = {"ticket": "Hi", "plan": "pro", "empty": " ", "none": None}
    assert visible_input(cells, ["ticket"]) == "Hi"
    assert visible_input(cells, ["ticket", "plan", "empty", "none"]) == "ticket: Hi\nplan: pro"
    assert visible_input(cells, []) == ""
