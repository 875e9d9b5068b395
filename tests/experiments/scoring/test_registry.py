import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import experiments.scoring.scorers
from experiments.errors import BakeoffError
from experiments.scoring import MetricKind, Score, ScoringContext, describe_all, scorer
from experiments.scoring.registry import all_scorers, built_in, by_name, declared, get, scorers_of

TESTS = Path(__file__).parent / "scorers"
MODULES = {info.name for info in pkgutil.iter_modules(experiments.scoring.scorers.__path__)}


def test_the_first_set_is_found_by_being_there():
    assert set(all_scorers()) >= {
        "exact_match",
        "contains",
        "regex",
        "numeric_answer",
        "json_valid",
        "json_schema",
        "length",
        "refusal",
        "similarity",
        "starts_with",
        "ends_with",
        "equals_label",
    }


def test_scorers_are_sorted_by_name():
    assert list(all_scorers()) == sorted(all_scorers())


@pytest.mark.parametrize("name", all_scorers())
def test_a_scorer_is_one_file_and_its_test(name):
    assert name in MODULES
    assert (TESTS / f"test_{name}.py").is_file()
    assert all_scorers()[name].function.__module__ == f"experiments.scoring.scorers.{name}"


@pytest.mark.parametrize("described", describe_all(), ids=lambda one: one.name)
def test_every_scorer_and_every_option_is_documented(described):
    assert described.summary.endswith(".")
    assert all(option.description.endswith(".") for option in described.options), described.name
    assert described.kind in (MetricKind.BINARY, MetricKind.SCORE)
    assert described.main is None or described.main in {option.name for option in described.options}


@pytest.mark.parametrize("one", all_scorers().values(), ids=lambda one: one.name)
def test_every_docstring_explains_only_options_there_are(one):
    from experiments.scoring.options import option_texts

    assert set(option_texts(one.function.__doc__)) == set(one.options.names)


@pytest.mark.parametrize("name", ["options", "no_such", "", "regex.regex", "..errors"])
def test_what_is_no_scorer_is_none(name):
    assert built_in(name) is None


def test_a_run_loads_the_scorers_it_uses_and_no_other():
    code = (
        "import sys; from experiments.scoring import bind; bind({'regex': 'a'}); "
        "print(sorted(name for name in sys.modules if name.startswith('experiments.scoring.scorers.json_')))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def make(name):
    def function(ctx: ScoringContext) -> Score:
        """Says yes."""
        return Score(1.0)

    function.__name__ = name
    return declared(scorer(kind=MetricKind.BINARY)(function))


def test_two_scorers_of_one_name_are_refused():
    with pytest.raises(ValueError, match="two scorers are called 'twice'"):
        by_name([make("twice"), make("other"), make("twice")])


def test_a_decorated_function_stays_callable():
    assert make("plain").function(ScoringContext("")) == Score(1.0)


def test_a_function_without_the_decorator_is_no_scorer():
    assert declared(len) is None


def test_imported_scorers_do_not_belong_to_a_module():
    assert scorers_of(experiments.scoring.binding) == ()


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("exact_mach", "Did you mean 'exact_match'?"),
        ("jugde", "Did you mean 'judge'?"),
        ("own_thin", "Did you mean 'own_thing'?"),
    ],
)
def test_an_unknown_name_hints_at_the_nearest(name, hint):
    with pytest.raises(BakeoffError) as caught:
        get(name, more_names=["own_thing"])

    assert (caught.value.code, caught.value.hint) == ("unknown_scorer", hint)
