"""Recorded answers: what is recognised, what options override, and what is refused with its line."""

import pytest

from experiments.datasets.imported_outputs import read_outputs
from experiments.datasets.output_columns import OutputOptions
from experiments.datasets.reading import read_table
from experiments.errors import BakeoffError
from experiments.vocabulary import Direction, FailureKind, MetricKind, OutputStatus

GSM = """example_id,question,answer,variant,output,is_correct
0,How many eggs?,18,small,A: 26,0
0,How many eggs?,18,large,A: 18,1
1,How many bolts?,3,small,A: 3,1
1,How many bolts?,3,large,A: 3,1
"""


def read(text, filename="answers.csv", **options):
    return read_outputs(read_table(text.encode(), filename=filename), OutputOptions(**options))


def complaint(text, **options):
    with pytest.raises(BakeoffError) as caught:
        read(text, **options)
    return caught.value


def test_inputs_reference_and_score_are_recognised_without_options():
    found = read(GSM)

    assert (found.variants, found.unit_column) == (("small", "large"), "example_id")
    assert (found.input_columns, found.reference_column) == (("question", "answer"), "answer")
    assert [(m.name, m.kind, m.unit) for m in found.metrics] == [("is_correct", MetricKind.BINARY, "points")]
    assert [o.scores["is_correct"] for o in found.outputs] == [0.0, 1.0, 1.0, 1.0]
    assert dict(found.examples[1].values) == {"example_id": "1", "question": "How many bolts?", "answer": "3"}
    assert found.notices == ()


def test_what_was_recognised_is_told_in_sentences():
    assert read(GSM).recognised == (
        "2 examples by 'example_id', answers in 'output'.",
        "Variants: small (control), large.",
        "Inputs: question, answer.",
        "Reference: answer.",
        "Scores: is_correct (pass or fail).",
    )


def test_every_known_column_is_read():
    text = (
        "example_id,variant,repetition,output,model,prompt_tokens,completion_tokens,cost_usd,latency_ms,first_token_ms\n"
        "1,A,1,x,openai/a,10,20,0.5,120.5,\n1,A,2,y,openai/a,,,,,\n1,B,1,z,openai/b,10.0,20,0,0,7\n1,B,2,w,openai/b,1,2,3,4,5\n"
    )

    first, second, third, _ = read(text).outputs

    assert (first.model, first.prompt_tokens, first.completion_tokens) == ("openai/a", 10, 20)
    assert (first.cost_usd, first.latency_ms, first.first_token_ms) == (0.5, 120.5, None)
    assert (first.repetition, second.repetition, second.cost_usd) == (0, 1, None)
    assert (third.prompt_tokens, third.cost_usd, third.latency_ms) == (10, 0.0, 0.0)


def test_names_of_known_columns_may_be_written_otherwise():
    text = "Example ID,Variant,Output\n1,A,x\n1,B,y\n"

    assert read(text).unit_column == "Example ID"


def test_our_own_export_can_be_read_back():
    text = (
        '{"experiment": "e", "run": "r1", "variant": "A", "model": "m", "example_id": "1", '
        '"repetition": 0, "status": "ok", "text": "x", "messages": [], "variables": {"q": "hi"}, "reference": "x", '
        '"cost_status": "known", '
        '"cached": false, "created_at": "2026-01-01"}\n'
        '{"experiment": "e", "run": "r1", "variant": "B", "model": "n", "example_id": "1", "repetition": 0, '
        '"status": "failed", "text": null, "messages": [1], "variables": {"q": "hi"}, "reference": "x", '
        '"error_kind": "timeout", "error_message": "too slow", "cached": true, "created_at": "2026-01-02"}\n'
    )

    found = read(text, "outputs.jsonl")

    assert (found.input_columns, found.reference_column) == (("reference", "q"), "reference")
    assert found.metrics == ()
    assert (found.outputs[1].status, found.outputs[1].error_kind) == (OutputStatus.FAILED, FailureKind.TIMEOUT)
    assert found.outputs[1].error_message == "too slow"


@pytest.mark.parametrize(
    ("cells", "status", "text", "kind"),
    [
        ('"x", "status": "ok"', OutputStatus.OK, "x", None),
        ('"", "status": null', OutputStatus.OK, "", None),
        ("null", OutputStatus.FAILED, "", FailureKind.IMPORTED),
        ('"", "error_kind": "rate_limit"', OutputStatus.FAILED, "", FailureKind.RATE_LIMIT),
        ('"", "error_message": "boom"', OutputStatus.FAILED, "", FailureKind.IMPORTED),
        ('"partly", "status": "error"', OutputStatus.FAILED, "", FailureKind.IMPORTED),
        ('"I cannot.", "status": "refused"', OutputStatus.OK, "I cannot.", None),
    ],
)
def test_a_missing_output_is_a_failure_and_an_empty_one_an_answer(cells, status, text, kind):
    found = read(
        f'{{"example_id": 1, "variant": "A", "output": {cells}}}\n{{"example_id": 1, "variant": "B", "output": "y"}}',
        "x.jsonl",
    )

    output = found.outputs[0]
    assert (output.status, output.text, output.error_kind) == (status, text, kind)


def test_scores_and_ratings_by_prefix():
    text = (
        "example_id,variant,output,score:helpful,rating:tone,rater_id\n"
        "1,A,x,0.25,3,ann\n1,A,x,,5,bob\n1,B,y,1,4,ann\n1,B,y,1,,bob\n"
    )

    found = read(text)

    assert len(found.outputs) == 2
    assert [(r.rater_id, r.value) for r in found.outputs[0].ratings] == [("ann", 3.0), ("bob", 5.0)]
    assert found.outputs[0].scores == {"helpful": 0.25}
    assert [(m.name, m.kind) for m in found.rating_metrics] == [("tone", MetricKind.ORDINAL)]
    assert [(m.name, m.kind) for m in found.metrics] == [("helpful", MetricKind.SCORE)]
    assert "repeated_rows" not in [n.code for n in found.notices]


def test_ratings_of_nobody_known_each_count():
    text = "example_id,variant,output,rating:tone\n1,A,x,3\n1,A,x,3\n1,B,y,4\n"

    assert len(read(text).outputs[0].ratings) == 2


def test_a_column_of_true_and_false_is_a_score():
    text = "example_id,variant,output,passed\n1,A,x,True\n1,B,y,False\n"

    assert [(m.name, m.kind) for m in read(text).metrics] == [("passed", MetricKind.BINARY)]


def test_numbers_that_do_not_differ_within_an_example_are_inputs():
    text = "example_id,variant,output,difficulty\n1,A,x,3\n1,B,y,3\n2,A,x,5\n2,B,y,5\n"

    assert (read(text).input_columns, read(text).metrics) == (("difficulty",), ())


def test_a_row_number_is_no_score():
    text = "example_id,variant,output,row\n1,A,x,0\n1,B,y,1\n2,A,x,2\n2,B,y,3\n"

    assert (read(text).metrics, "Left out: row." in read(text).recognised) == ((), True)


def test_a_text_that_differs_almost_everywhere_is_left_out():
    rows = "".join(f"{n},A,x,comment {n}a\n{n},B,y,comment {n}b\n" for n in range(4))

    assert "Left out: note." in read(f"example_id,variant,output,note\n{rows}").recognised


def test_an_input_that_differs_within_one_example_names_both_lines():
    text = "example_id,variant,output,question\n1,A,x,one\n1,B,y,one\n2,A,x,two\n2,B,y,TWO\n"

    error = complaint(text)

    assert (error.code, "line 4 and line 5" in error.message) == ("inputs_differ", True)


def test_the_same_output_twice_is_left_out_and_told():
    found = read(GSM + "1,How many bolts?,3,large,A: 3,1\n")

    assert (len(found.outputs), [n.code for n in found.notices]) == (4, ["repeated_rows"])


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("1,How many bolts?,3,large,A: 4,1", "output"),
        ("1,How many bolts?,3,large,A: 3,0", "is_correct"),
    ],
)
def test_two_different_outputs_of_one_place_are_refused_with_their_line(row, what):
    error = complaint(f"{GSM}{row}\n")

    assert (error.code, "line 6" in error.message, what in error.message) == ("same_output_twice", True, True)
    assert "repetition" in error.hint


@pytest.mark.parametrize("cell", ["nan", "inf", "-Infinity", "1e999"])
def test_a_score_that_is_not_finite_is_refused_with_its_line(cell):
    error = complaint(GSM.replace("A: 3,1\n1,How", f"A: 3,{cell}\n1,How"))

    assert (error.code, "line 4" in error.message) == ("not_finite", True)


@pytest.mark.parametrize(
    ("column", "cell", "code"),
    [
        ("score:x", "good", "bad_number"),
        ("score:x", "NaN", "not_finite"),
        ("cost_usd", "-1", "bad_number"),
        ("prompt_tokens", "1.5", "bad_number"),
        ("latency_ms", "inf", "not_finite"),
        ("status", "okay?", "unknown_status"),
        ("repetition", "first", "bad_number"),
    ],
)
def test_a_cell_that_does_not_fit_names_its_line(column, cell, code):
    error = complaint(f"example_id,variant,output,{column}\n1,A,x,\n1,B,y,{cell}\n")

    assert (error.code, "line 3" in error.message) == (code, True)


def test_one_variant_is_not_enough():
    assert complaint("example_id,variant,output\n1,A,x\n2,A,y\n").code == "one_variant"


def test_more_variants_than_letters_are_too_many():
    rows = "".join(f"1,v{n},x\n" for n in range(27))

    assert complaint(f"example_id,variant,output\n{rows}").code == "too_many_variants"


def test_a_variant_that_lacks_examples_is_told_with_counts():
    found = read("example_id,variant,output\n1,A,x\n1,B,y\n2,A,x\n3,A,z\n")

    assert [(n.code, "2 of 3" in n.message, "2, 3" in n.message) for n in found.notices] == [
        ("missing_examples", True, True)
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("example,variant,output\n1,A,x\n", "missing_columns"),
        ("example_id,variant,output\n1,,x\n1,B,y\n", "missing_value"),
        ("example_id,variant,output\n ,A,x\n1,B,y\n", "missing_value"),
        ("example_id,variant,output,score:\n1,A,x,1\n1,B,y,1\n", "bad_metric_name"),
        ("example_id,variant,output,score:cost_usd\n1,A,x,1\n1,B,y,1\n", "bad_metric_name"),
        ("example_id,variant,output,score:a,rating:a\n1,A,x,1,1\n1,B,y,1,1\n", "bad_metric_name"),
        ("example_id,variant,output\n1,a/b,x\n1,a:b,y\n", "same_variant_name"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(text, code):
    assert complaint(text).code == code


def test_a_missing_column_proposes_the_nearest():
    assert "'outputs'" in complaint("example_id,variant,outputs\n1,A,x\n").hint


def test_options_override_what_is_recognised():
    text = "row,arm,reply,truth,grade,size\n1,A,x,t,2,9\n1,B,y,t,3,9\n"

    found = read(
        text,
        columns={"example_id": "row", "variant": "arm", "output": "reply", "reference": "truth"},
        scores=("grade",),
        lower_is_better=("grade",),
        ignore=("size",),
        control="B",
    )

    assert (found.variants, found.reference_column, found.input_columns) == (("B", "A"), "truth", ("truth",))
    assert [(m.name, m.direction) for m in found.metrics] == [("grade", Direction.LOWER)]


def test_named_inputs_leave_the_other_columns_out():
    found = read(GSM, inputs=("question",))

    assert (found.input_columns, found.reference_column) == (("question",), None)
    assert [m.name for m in found.metrics] == ["is_correct"]


def test_no_scores_can_be_asked_for():
    found = read(GSM.replace(",1\n", ",1\n"), scores=(), ignore=("is_correct",))

    assert found.metrics == ()


def test_the_order_of_variants_can_be_given():
    assert read(GSM, variants=("large", "small")).variants == ("large", "small")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"control": "smal"}, "unknown_variant"),
        ({"variants": ("x",)}, "unknown_variant"),
        ({"inputs": ("questoin",)}, "unknown_column"),
        ({"scores": ("nope",)}, "unknown_column"),
        ({"columns": {"outputt": "output"}}, "unknown_option"),
        ({"columns": {"output": "nope"}}, "unknown_column"),
        ({"columns": {"reference": "is_correct"}}, "inputs_differ"),
    ],
)
def test_an_option_that_names_nothing_is_refused(options, code):
    assert complaint(GSM, **options).code == code


def test_names_of_variants_become_plain_and_are_told():
    found = read("example_id,variant,output\n1,openai/gpt-4o (new),x\n1,B,y\n")

    assert found.variants == ("openai-gpt-4o -new", "B")
    assert [n.code for n in found.notices] == ["renamed_variants"]
