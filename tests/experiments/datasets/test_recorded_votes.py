"""Recorded votes: what an arena's file says, in its own words, and what of it is refused with its line."""

import json

import pytest

from experiments.datasets.reading import read_table
from experiments.datasets.recorded_votes import RecordedVote, recorded_votes
from experiments.errors import BakeoffError

VOTE = {
    "question_id": 1,
    "model_a": "alpha",
    "model_b": "beta",
    "winner": "model_a",
    "judge": "ada",
    "answer_a": "a1",
    "answer_b": "b1",
}


def read(*rows):
    content = "".join(json.dumps({**VOTE, **row}) + "\n" for row in rows)
    return recorded_votes(read_table(content.encode(), filename="votes.jsonl"))


@pytest.mark.parametrize(
    ("winner", "choice"),
    [
        ("model_a", "left"),
        ("A", "left"),
        ("alpha", "left"),
        ("model_b", "right"),
        ("beta", "right"),
        ("tie", "both_good"),
        ("tie (bothbad)", "both_bad"),
        ("Both_Bad", "both_bad"),
    ],
)
def test_winners_are_read_in_the_words_that_files_use(winner, choice):
    assert read({"winner": winner}).votes == (RecordedVote("1", "alpha", "beta", choice, "ada"),)


def test_each_answer_stands_once_with_what_all_votes_of_its_question_share():
    table = read(
        {"language": "de", "day": 1},
        {"language": "de", "day": 2, "judge": "bob", "model_a": "beta", "model_b": "alpha", "answer_a": "b1",
         "answer_b": "a1"},
        {"language": "en", "day": 3, "question_id": 2, "model_b": "gamma", "answer_a": "a2", "answer_b": "g2"},
    )  # fmt: skip

    assert table.answers.columns == ("example_id", "variant", "output", "language")
    assert table.answers.rows == [
        ("1", "alpha", "a1", "de"),
        ("1", "beta", "b1", "de"),
        ("2", "alpha", "a2", "en"),
        ("2", "gamma", "g2", "en"),
    ]
    assert table.left_out == ("day",)


def test_of_a_conversation_the_last_answer_counts():
    said = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
    votes = read({"answer_a": json.dumps(said), "answer_b": '[{"no": "message"}]'})
    assert [row[2] for row in votes.answers.rows] == ["hello", '[{"no": "message"}]']


@pytest.mark.parametrize(
    ("rows", "code", "said"),
    [
        (({}, {"winner": "nobody"}), "unknown_winner", "line 2"),
        (({}, {"judge": " "}), "missing_value", "line 2 has no value in 'judge'"),
        (({"model_b": "alpha"},), "same_variant", "line 1"),
        (({}, {"winner": "tie"}), "same_vote_twice", "'ada' voted twice on the same answers to '1': line 1 and line 2"),
        (
            ({}, {"model_a": "beta", "model_b": "alpha", "answer_a": "b1", "answer_b": "a1"}),
            "same_vote_twice",
            "line 1 and line 2",
        ),
        (({}, {"judge": "bob", "answer_a": "other"}), "answers_differ", "'alpha' has two answers to '1'"),
    ],
)
def test_what_is_no_vote_is_refused_with_its_line(rows, code, said):
    with pytest.raises(BakeoffError) as error:
        read(*rows)
    assert (error.value.code, said in str(error.value)) == (code, True), str(error.value)


def test_votes_without_raters_are_one_persons_and_a_second_one_on_a_pair_is_refused():
    header = "question_id,model_a,model_b,winner,response_a,response_b\n"
    table = read_table((header + "1,x,y,tie,a,b\n").encode(), filename="votes.csv")
    assert {vote.rater for vote in recorded_votes(table).votes} == {"rater"}
    with pytest.raises(BakeoffError, match="no column of raters"):
        recorded_votes(read_table((header + "1,x,y,tie,a,b\n1,y,x,a,b,a\n").encode(), filename="votes.csv"))


def test_votes_without_a_winner_name_the_missing_column_and_other_tables_are_none():
    with pytest.raises(BakeoffError, match="no column 'winner'"):
        recorded_votes(read_table(b"question_id,model_a,model_b\n1,x,y\n", filename="votes.csv"))
    assert recorded_votes(read_table(b"example_id,variant,output\n1,x,y\n", filename="answers.csv")) is None
