"""promptfoo configurations: the common part is converted, the rest refused by name and place."""

import io

import openpyxl
import pytest

from experiments.errors import BakeoffError
from experiments.experiment_file import parse_experiment
from experiments.promptfoo import convert
from experiments.promptfoo.experiment_text import experiment_text
from experiments.scoring.binding import bind_all
from experiments.scoring.context import ScoringContext

TWO_MODELS = "providers: [openai:gpt-4o-mini, 'anthropic:messages:claude-sonnet-4-5']\n"
ONE_PROMPT = "prompts: ['Answer: {{ question }}']\n"
ONE_TEST = "tests:\n  - vars: {question: 'What is 2+2?'}\n    assert: [{type: contains, value: '4'}]\n"


def converted(text, **files):
    contents = {name: content if isinstance(content, bytes) else content.encode() for name, content in files.items()}

    def read_file(path):
        if path not in contents:
            raise FileNotFoundError(path)
        return contents[path]

    found = convert(text, read_file=read_file)
    assert parse_experiment(found.text) == found.spec
    bind_all(found.spec.scorers)
    return found


def refused(text, **files):
    with pytest.raises(BakeoffError) as caught:
        converted(text, **files)
    return caught.value


def checks(*assertions, tests=None):
    """The conversion of one test (or several) with the assertions, written as YAML."""
    lines = tests or [
        "vars: {question: q, expected: due}\n    assert:\n" + "".join(f"      - {a}\n" for a in assertions)
    ]
    return converted(TWO_MODELS + ONE_PROMPT + "tests:\n" + "".join(f"  - {line}\n" for line in lines))


def cells(found):
    return [dict(zip(found.columns, row, strict=True)) for row in found.rows]


def test_prompts_times_providers_are_the_variants():
    text = (
        "prompts: ['Short: {{question}}', 'Long: {{ question }}']\n"
        "providers:\n  - openai:gpt-4o-mini\n"
        "  - id: openai:chat:gpt-4o\n    label: Big\n"
        "    config: {temperature: 0.2, max_tokens: 50, apiKey: sk-secret}\n"
    )

    found = converted(text + ONE_TEST)

    assert [(v.name, v.prompt, v.model) for v in found.spec.variants] == [
        ("A - gpt-4o-mini", "Short: {{question}}", "openai/gpt-4o-mini"),
        ("A - Big", "Short: {{question}}", "openai/gpt-4o"),
        ("B - gpt-4o-mini", "Long: {{question}}", "openai/gpt-4o-mini"),
        ("B - Big", "Long: {{question}}", "openai/gpt-4o"),
    ]
    assert found.spec.variants[1].parameters == {"temperature": 0.2, "max_tokens": 50}
    assert "sk-secret" not in found.text


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai:gpt-4o", "openai/gpt-4o"),
        ("openai:chat:gpt-4o", "openai/gpt-4o"),
        ("anthropic:messages:claude-x", "anthropic/claude-x"),
        ("google:gemini-2.0-flash", "gemini/gemini-2.0-flash"),
        ("vertex:gemini-pro", "vertex_ai/gemini-pro"),
        ("azure:chat:my-deployment", "azure/my-deployment"),
        ("ollama:chat:llama3:8b", "ollama/llama3:8b"),
        ("openrouter:meta/llama", "openrouter/meta/llama"),
        ("litellm:demo/small", "demo/small"),
    ],
)
def test_a_provider_is_named_as_in_litellm(provider, model):
    found = converted(f"providers: ['{provider}', openai:other]\n{ONE_PROMPT}{ONE_TEST}")

    assert found.spec.variants[0].model == model


def test_one_prompt_is_named_by_its_models_and_one_model_by_its_prompts():
    by_model = converted(TWO_MODELS + ONE_PROMPT + ONE_TEST)
    by_prompt = converted(
        "providers: openai:gpt-4o\nprompts:\n  - {raw: 'a {{question}}', label: Kind one}\n  - 'b {{question}}'\n"
        + ONE_TEST
    )

    assert [v.name for v in by_model.spec.variants] == ["gpt-4o-mini", "claude-sonnet-4-5"]
    assert [v.name for v in by_prompt.spec.variants] == ["Kind one", "B"]


def test_a_provider_may_want_only_some_prompts():
    text = (
        "prompts:\n  - {raw: 'a {{question}}', label: one}\n  - {raw: 'b {{question}}', label: two}\n"
        "providers:\n  - {id: 'openai:x', prompts: [one]}\n  - {id: 'openai:y', prompts: [two]}\n"
    )

    found = converted(text + ONE_TEST)

    assert [(v.name, v.prompt) for v in found.spec.variants] == [
        ("one - x", "a {{question}}"),
        ("two - y", "b {{question}}"),
    ]


def test_prompts_are_read_from_files():
    text = "providers: openai:x\nprompts: [file://two.txt, prompts/chat.json, file://chat.yaml]\n"
    files = {
        "two.txt": "one {{question}}\n---\ntwo {{question}}\n",
        "prompts/chat.json": '[{"role": "system", "content": "Be kind"}, {"role": "user", "content": "{{question}}"}]',
        "chat.yaml": "- role: user\n  content: 'hi {{question}}'\n",
    }

    found = converted(text + ONE_TEST, **files)

    prompts = [v.prompt or [(m.role, m.content) for m in v.messages] for v in found.spec.variants]
    assert prompts == [
        "one {{question}}",
        "two {{question}}",
        [("system", "Be kind"), ("user", "{{question}}")],
        [("user", "hi {{question}}")],
    ]


def test_a_chat_may_be_written_inside_the_configuration():
    text = (
        'providers: openai:x\nprompts:\n  - \'[{"role": "user", "content": "{{question}}"}]\'\n  - \'b {{question}}\'\n'
    )

    assert converted(text + ONE_TEST).spec.variants[0].messages[0].content == "{{question}}"


def test_a_prompt_that_looks_like_a_reference_stays_a_text():
    text = "providers: openai:x\nprompts: [hello@world, 'b {{question}}']\n"

    assert converted(text + ONE_TEST).spec.variants[0].messages[0].content == "hello@world"


@pytest.mark.parametrize(
    ("assertion", "entry"),
    [
        ("{type: contains, value: Paris}", {"contains": {"text": "Paris"}}),
        ("{type: contains, value: 0}", {"contains": {"text": "0"}}),
        ("{type: icontains, value: x}", {"contains": {"name": "icontains", "ignore_case": True, "text": "x"}}),
        ("{type: not-contains, value: x}", {"contains": {"name": "not_contains", "negate": True, "text": "x"}}),
        ("{type: contains-any, value: [a, b]}", {"contains": {"name": "contains_any", "texts": ["a", "b"]}}),
        ("{type: contains-any, value: 'a, b'}", {"contains": {"name": "contains_any", "texts": ["a", "b"]}}),
        (
            "{type: contains-any, value: " + '\'"1,000",in stock, "say ""hi""" ,5" x\'}',
            {"contains": {"name": "contains_any", "texts": ["1,000", "in stock", 'say "hi"', '5" x']}},
        ),
        (
            "{type: icontains-all, value: [a]}",
            {"contains": {"name": "icontains_all", "ignore_case": True, "match": "all", "texts": ["a"]}},
        ),
        ("{type: starts-with, value: Dear}", {"starts_with": {"text": "Dear"}}),
        ("{type: regex, value: '\\d{4}'}", {"regex": {"pattern": r"\d{4}"}}),
        ("{type: not-regex, value: x}", {"regex": {"name": "not_regex", "negate": True, "pattern": "x"}}),
        ("{type: is-json}", "json_valid"),
        ("{type: is-json, value: {type: object}}", {"json_schema": {"schema": {"type": "object"}}}),
        ("{type: contains-json}", {"json_valid": {"allow_fence": True}}),
        (
            "{type: word-count, value: {min: 2, max: 9}}",
            {"length": {"name": "word_count", "min_words": 2, "max_words": 9}},
        ),
        ("{type: word-count, value: 5}", {"length": {"name": "word_count", "min_words": 5, "max_words": 5}}),
        ("{type: not-is-refusal}", "refusal"),
        ("{type: equals, value: '{{expected}}'}", "exact_match"),
        ("{type: levenshtein, value: '{{expected}}', threshold: 3}", "similarity"),
        (
            "{type: not-equals, value: a.b}",
            {"regex": {"name": "not_equals", "full": True, "negate": True, "pattern": r"a\.b"}},
        ),
        ("{type: contains, value: x, metric: Names it}", {"contains": {"name": "Names it", "text": "x"}}),
    ],
)
def test_an_assertion_becomes_a_scorer(assertion, entry):
    assert checks(assertion).spec.scorers == (entry,)


def test_the_expected_output_is_the_variable_that_holds_it():
    found = checks("{type: equals, value: '{{expected}}'}")

    assert (found.spec.reference, found.columns) == ("expected", ("question", "expected"))


def test_what_differs_from_test_to_test_becomes_a_column():
    found = checks(
        tests=[
            "vars: {question: a}\n    assert: [{type: contains, value: x}, {type: equals, value: 1}]",
            "vars: {question: b}\n    assert: [{type: contains, value: y}]",
            "vars: {question: c}",
        ]
    )

    assert found.spec.scorers[1:] == ({"contains": {"column": "expected_contains"}}, "exact_match")
    assert found.spec.reference == "expected"
    assert [(row["expected_contains"], row["expected"]) for row in cells(found)] == [
        ("x", "1"),
        ("y", None),
        (None, None),
    ]


def test_several_texts_in_a_column_are_a_list():
    found = checks(
        tests=[
            "vars: {question: a}\n    assert: [{type: contains-any, value: [x, 'y,z']}]",
            "vars: {question: b}\n    assert: [{type: contains-any, value: [w]}]",
        ]
    )

    assert [row["expected_contains_any"] for row in cells(found)] == ['["x","y,z"]', '["w"]']


def test_a_text_of_several_lines_in_a_column_stays_one_text():
    found = checks(
        tests=[
            'vars: {question: a}\n    assert: [{type: contains, value: "x\\ny"}]',
            "vars: {question: b}\n    assert: [{type: contains, value: w}]",
        ]
    )

    assert [row["expected_contains"] for row in cells(found)] == ['["x\\ny"]', "w"]


def test_two_checks_of_one_kind_are_two_measures():
    found = checks("{type: contains, value: x}", "{type: contains, value: y}")

    assert found.spec.scorers == ({"contains": {"text": "x"}}, {"contains": {"name": "contains_2", "text": "y"}})
    assert (found.spec.plan.primary.metric, found.spec.plan.secondary) == ("contains", ("contains_2",))


MIXED = """tests:
  - vars: {question: a}
    assert: [{type: contains, value: 'Bonjour (monde)'}, {type: not-contains, value: sorry}]
  - vars: {question: b}
    assert: [{type: icontains-all, value: [Uno, DOS]}]
  - vars: {question: c}
    assert: [{type: equals, value: '42'}]
  - vars: {question: d}
    assert: [{type: starts-with, value: Dear}, {type: regex, value: '\\d{4}$'}]
  - vars: {question: e}
    assert: [{type: not-equals, value: x}, {type: not-contains-any, value: [y, z]}]
  - vars: {question: f}
"""


@pytest.mark.parametrize(
    ("row", "answer", "value"),
    [
        (0, "oh,\nBonjour (monde)!", 1.0),
        (0, "Bonjour (monde), sorry", 0.0),
        (0, "Bonjour monde", 0.0),
        (1, "dos\n\nUNO", 1.0),
        (1, "uno", 0.0),
        (2, " 42\n", 1.0),
        (2, "42.", 0.0),
        (3, "Dear you, in 2026", 1.0),
        (3, "In 2026, Dear", 0.0),
        (3, "Dear 2026 you", 0.0),
        (4, "w", 1.0),
        (4, "x", 0.0),
        (4, "wz", 0.0),
        (5, "anything", None),
    ],
)
def test_when_each_test_asks_something_else_passing_the_test_is_the_measure(row, answer, value):
    found = converted(TWO_MODELS + ONE_PROMPT + MIXED)

    scorer = bind_all(found.spec.scorers)[0]
    score = scorer.score(ScoringContext(output=answer, row=cells(found)[row]))

    assert (found.spec.plan.primary.metric, scorer.metric, score.value) == ("passes_test", "passes_test", value)


def test_a_check_that_cannot_be_joined_leaves_the_single_measures():
    found = checks(
        tests=[
            "vars: {question: a}\n    assert: [{type: contains, value: x}]",
            "vars: {question: b}\n    assert: [{type: regex, value: '(?i)y'}]",
        ]
    )

    assert [b.metric for b in bind_all(found.spec.scorers)] == ["contains", "regex"]


def test_a_check_of_every_test_needs_no_joining():
    assert "passes_test" not in checks("{type: contains, value: x}").text


def test_a_limit_on_cost_and_time_is_measured_and_told():
    found = checks("{type: contains, value: x}", "{type: cost, threshold: 0.01}", "{type: latency, threshold: 900}")

    assert found.spec.plan.secondary == ("cost_usd", "latency_ms")
    assert sum("not pass or fail" in note for note in found.notes) == 2


def test_the_default_test_lies_under_every_test():
    text = (
        "defaultTest:\n  vars: {tone: kind, question: none}\n  assert: [{type: not-contains, value: sorry}]\n"
        "tests:\n  - vars: {question: a}\n  - vars: {question: b, tone: dry}\n"
    )

    found = converted(TWO_MODELS + ONE_PROMPT + text)

    assert [(row["question"], row["tone"]) for row in cells(found)] == [("a", "kind"), ("b", "dry")]
    assert found.spec.scorers == ({"contains": {"name": "not_contains", "negate": True, "text": "sorry"}},)


def test_lists_of_values_are_expanded():
    text = "tests:\n  - vars: {question: [a, b], tone: [x, y]}\n    assert: [{type: contains, value: '{{tone}}'}]\n"

    found = converted(TWO_MODELS + ONE_PROMPT + text)

    assert [(row["question"], row["tone"]) for row in cells(found)] == [("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")]
    assert found.spec.scorers == ({"contains": {"column": "tone"}},)


def test_tests_are_read_from_csv_with_expected_columns():
    table = (
        "question,__expected1,__expected2,__metadata:topic,__description\n"
        "a,equals: 4,contains-any: x; y,maths,adding\n"
        "b,due,not-contains:z,geo,\n"
    )

    found = converted(TWO_MODELS + ONE_PROMPT + "tests: file://tests.csv\n", **{"tests.csv": table})

    assert found.spec.reference == "expected"
    assert [row["expected"] for row in cells(found)] == ["4", "due"]
    assert [(row["topic"], row["description"]) for row in cells(found)] == [("maths", "adding"), ("geo", None)]
    assert found.spec.slices == ("topic",)
    assert [b.metric for b in bind_all(found.spec.scorers)] == [
        "passes_test",
        "exact_match",
        "contains_any",
        "not_contains",
    ]


def test_tests_are_read_from_every_kind_of_file():
    book = openpyxl.Workbook()
    for row in (["question", "__expected"], ["x", "contains: x"]):
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    text = "tests: [file://a.yaml, b.json, file://c.jsonl, file://d.xlsx]\n"
    files = {
        "a.yaml": "- vars: {question: y}\n  assert: [{type: contains, value: y}]\n",
        "b.json": '[{"vars": {"question": "j"}, "assert": [{"type": "contains", "value": "j"}]}]',
        "c.jsonl": '{"vars": {"question": "l"}, "assert": [{"type": "contains", "value": "l"}]}\n\n',
        "d.xlsx": file.getvalue(),
    }

    found = converted(TWO_MODELS + ONE_PROMPT + text, **files)

    assert [row["question"] for row in cells(found)] == ["y", "j", "l", "x"]
    assert found.spec.scorers == ({"contains": {"column": "question"}},)


def test_values_of_variables_become_text():
    text = (
        "tests:\n  - vars: {question: 4.0, flag: true, none: null, id: 007, object: {b: 1, a: [x]}, long: file://long.txt}\n"
        "    assert: [{type: contains, value: x}]\n"
    )

    found = converted(TWO_MODELS + ONE_PROMPT + text, **{"long.txt": "line\nline"})

    row = cells(found)[0]
    assert (row["question"], row["flag"], row["none"], row["id"]) == ("4", "true", "", "007")
    assert (row["object"], row["long"]) == ('{"a":["x"],"b":1}', "line\nline")


def test_a_test_without_a_variable_gets_an_empty_text_and_it_is_told():
    found = checks(
        tests=[
            "vars: {question: a}\n    assert: [{type: contains, value: x}]",
            "vars: {other: b}\n    assert: [{type: contains, value: x}]",
        ]
    )

    assert [(row["question"], row["other"]) for row in cells(found)] == [("a", None), ("", "b")]
    assert any("'question'" in note for note in found.notes)


def test_evaluation_options_are_taken_over():
    text = "evaluateOptions: {repeat: 3, maxConcurrency: 7, timeoutMs: 1500, cache: false, showProgressBar: true}\n"

    spec = converted(TWO_MODELS + ONE_PROMPT + ONE_TEST + text + "description: Which is better?\n").spec

    assert (spec.repeats, spec.limits.concurrency, spec.limits.deadline_s, spec.limits.cache) == (3, 7, 1.5, False)
    assert spec.hypothesis == "Which is better?"


def test_what_was_decided_is_told():
    found = converted("outputPath: x.json\n" + TWO_MODELS + ONE_PROMPT + ONE_TEST)

    assert any("'outputPath'" in note for note in found.notes)
    assert any("'contains' was taken" in note for note in found.notes)


UNSUPPORTED = (
    ("prompts: ['{{ question | upper }}']", "prompts[0] (line 1)", "{{ question | upper }}"),
    ("prompts: ['{% if a %}x{% endif %}']", "prompts[0] (line 1)", "{% if a %}"),
    ("prompts: ['{{ user.name }}']", "prompts[0] (line 1)", "{{ user.name }}"),
    ("prompts: ['{# note #}x']", "prompts[0] (line 1)", "{# note #}"),
    ("prompts: ['{{ _conversation }}']", "prompts[0] (line 1)", "_conversation"),
    ("prompts: ['{{ other }}']", "prompts", "no test gives"),
    ("prompts: [file://p.js]", "prompts[0] (line 1)", "which is code"),
    ("prompts: [file://p.py:make]", "prompts[0] (line 1)", "which is code"),
    ("prompts: ['file://p/*.txt']", "prompts[0] (line 1)", "pattern"),
    ("prompts: ['langfuse://p:3']", "prompts[0] (line 1)", "elsewhere"),
    ("prompts: [exec:./p.sh]", "prompts[0] (line 1)", "elsewhere"),
    ("prompts: [file://absent.txt]", "prompts[0] (line 1)", "cannot be read"),
    ("prompts: {a.txt: label}", "prompts (line 1)", "mapping"),
    ("prompts: [{raw: 'x {{question}}', function: y}]", "prompts[0].function (line 1)", "'function'"),
    ("providers: [python:x.py]", "providers[0] (line 1)", "python:x.py"),
    ("providers: ['openai:embedding:x']", "providers[0] (line 1)", "only chat models"),
    ("providers: [{id: 'openai:x', transform: 'output.a'}]", "providers[0].transform (line 1)", "'transform'"),
    ("providers: [{id: 'openai:x', config: {apiHost: h}}]", "providers[0].config.apiHost (line 1)", "'apiHost'"),
    ("providers: [{id: 'openai:x', prompts: [nope]}]", "providers[0].prompts (line 1)", "'nope'"),
    ("providers: [{label: x, config: {}}]", "providers[0] (line 1)", "without an id"),
    ("tests: [{vars: {question: a}, options: {transform: x}}]", "tests[0].options.transform (line 1)", "'transform'"),
    ("tests: [{vars: file://v.yaml}]", "tests[0].vars (line 1)", "kept in a file"),
    ("tests: [{vars: {question: '{{other}}'}}]", "tests[0].vars.question (line 1)", "never rendered"),
    ("tests: [{vars: {question: file://a.png}}]", "tests[0].vars.question (line 1)", "a.png"),
    ("tests: https://example.org/sheet", "tests (line 1)", "address"),
    ("tests: 'huggingface://datasets/x'", "tests (line 1)", "address"),
    ("tests: file://make.py:f", "tests (line 1)", "which is code"),
    ("tests: [{vars: {question: a}, provider: x}]", "tests[0].provider (line 1)", "'provider'"),
    ("scenarios: [{}]", "scenarios (line 1)", "'scenarios'"),
    ("nunjucksFilters: {a: b.js}", "nunjucksFilters (line 1)", "'nunjucksFilters'"),
    ("evaluateOptions: {repeat: 1000}", "evaluateOptions.repeat (line 1)", "repeat"),
)


@pytest.mark.parametrize(("setting", "place", "what"), UNSUPPORTED)
def test_what_cannot_be_expressed_is_refused_by_name_and_place(setting, place, what):
    key = setting.split(":", 1)[0]
    base = {"prompts": ONE_PROMPT, "providers": TWO_MODELS, "tests": ONE_TEST}

    error = refused(setting + "\n" + "".join(text for name, text in base.items() if name != key))

    assert error.code == "promptfoo_unsupported"
    assert f"{place}" in error.message
    assert what in error.message


@pytest.mark.parametrize(
    ("assertion", "what"),
    [
        ("{type: llm-rubric, value: x}", "llm-rubric, which asks a model"),
        ("{type: similar, value: x}", "similar, which asks a model"),
        ("{type: javascript, value: 'true'}", "javascript, which is code"),
        ("{type: not-python, value: x}", "not-python, which is code"),
        ("{type: rouge-n, value: x}", "the assertion rouge-n"),
        ("{type: is-sql}", "the assertion is-sql"),
        ("{type: equals, value: {a: 1}}", "equals with a value that is no text"),
        ("{type: contains, value: ''}", "contains with an empty value"),
        ("{type: contains-any, value: []}", "contains-any without a list"),
        ("{type: contains, value: '{{absent}}'}", "{{absent}}, a variable that this test does not give"),
        ("{type: contains, value: x, transform: 'output'}", "'transform' of the assertion contains"),
        ("{type: regex, value: '('}", "whose pattern is no regular expression"),
        ("{type: not-is-json}", "no opposite"),
        ("{type: not-levenshtein, value: x}", "no opposite"),
        ("{type: is-refusal}", "is-refusal"),
        ("{type: word-count, value: {around: 3}}", "word-count with this value"),
        ("{type: assert-set, threshold: 0.5, assert: []}", "assert-set with a threshold"),
        ("{value: x}", "without a type"),
    ],
)
def test_an_assertion_without_an_equivalent_is_refused_by_name(assertion, what):
    error = refused(TWO_MODELS + ONE_PROMPT + f"tests:\n  - vars: {{question: q}}\n    assert:\n      - {assertion}\n")

    assert (error.code, what in error.message) == ("promptfoo_unsupported", True)
    assert "tests[0].assert[0]" in error.message
    assert "(line 6)" in error.message


def test_a_check_without_a_column_that_only_some_tests_ask_is_refused():
    tests = "tests:\n  - vars: {question: a}\n    assert: [{type: is-json}]\n  - vars: {question: b}\n"

    assert "is-json, which only some tests ask" in refused(TWO_MODELS + ONE_PROMPT + tests).message


def test_a_second_expected_text_is_refused():
    tests = "tests:\n  - vars: {question: a}\n    assert: [{type: equals, value: x}, {type: levenshtein, value: y}]\n"

    assert "levenshtein with another expected text" in refused(TWO_MODELS + ONE_PROMPT + tests).message


def test_everything_that_is_refused_is_told_at_once():
    text = (
        "prompts: ['{{ a | upper }}', file://p.py]\nproviders: [python:x.py]\nscenarios: []\n"
        "tests:\n  - vars: {question: q}\n    assert: [{type: llm-rubric, value: x}, {type: javascript, value: y}]\n"
    )

    message = refused(text).message

    assert "6 things" in message
    assert all(
        part in message for part in ("{{ a | upper }}", "p.py", "python:x.py", "scenarios", "llm-rubric", "javascript")
    )


def test_a_long_list_of_refusals_is_cut_with_its_count():
    tests = "".join(f"  - vars: {{question: q{n}}}\n    assert: [{{type: javascript, value: x}}]\n" for n in range(50))

    message = refused(TWO_MODELS + ONE_PROMPT + "tests:\n" + tests).message

    assert ("50 things" in message, "and 30 more" in message) == (True, True)


def test_refusals_in_a_csv_name_its_line():
    error = refused(
        TWO_MODELS + ONE_PROMPT + "tests: file://tests.csv\n",
        **{"tests.csv": "question,__expected\na,contains: x\nb,llm-rubric: kind\nc,fn: output\n"},
    )

    assert "tests.csv, line 3" in error.message
    assert "tests.csv, line 4" in error.message


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("providers: openai:x\n" + ONE_PROMPT + ONE_TEST, "one_variant"),
        (TWO_MODELS + ONE_PROMPT + "tests: [{vars: {question: a}}]\n", "no_measure"),
        (
            "providers: [" + ", ".join(f"'openai:m{n}'" for n in range(27)) + "]\n" + ONE_PROMPT + ONE_TEST,
            "too_many_variants",
        ),
        ("- a\n- b\n", "bad_yaml"),
        ("prompts: [a\n", "bad_yaml"),
        ("", "bad_yaml"),
    ],
)
def test_a_configuration_that_cannot_be_an_experiment_is_refused(text, code):
    assert refused(text).code == code


def test_a_broken_file_names_itself():
    error = refused(TWO_MODELS + ONE_PROMPT + "tests: file://t.json\n", **{"t.json": '[{"vars": }]'})

    assert (error.code, "t.json, line 1" in error.message) == ("bad_json", True)


@pytest.mark.parametrize(
    "text",
    ["no", "on", "1e3", "007", "0x1F", "~", "null", "true", " lead", "trail ", "a: b", "# c", "- d", "x\ny", "x\n\ny\n",
     "é 😀", "{{a}}", "%", "@", "`", "", "'", '"', "\\", "tab\there", "\x07", "2026-01-31", "12:30:45", ".inf", "<<"],
)  # fmt: skip
def test_any_text_survives_the_experiment_file(text):
    spec = converted(TWO_MODELS + ONE_PROMPT + ONE_TEST).spec
    variant = spec.variants[0].model_copy(update={"prompt": f"{text}", "parameters": {"stop": [text], "seed": 1}})
    changed = spec.model_copy(update={"hypothesis": text, "variants": (variant, *spec.variants[1:])})

    assert parse_experiment(experiment_text(changed)) == changed
