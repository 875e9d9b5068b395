"""The terminal as its users meet it: whole journeys, exit codes, one line for every error."""

import json

import pytest
import typer.main

import cli
from tests.builders import questions_csv

EXPERIMENT = """
name: sums
dataset: questions.csv
reference: answer
unit: id
variants:
  - {name: A, prompt: "{{question}}", model: demo/small}
  - {name: B, prompt: "Answer as JSON with the keys answer and unit. {{question}}", model: demo/small,
     parameters: {response_format: {type: json_object}}}
scorers: [{contains: {text: '"answer"', name: has_key}}]
plan: {primary: {metric: has_key, smallest_effect: 0.05}}
limits: {concurrency: 8}
"""


@pytest.fixture
def files(tmp_path):
    """An experiment file with its test set beside it."""
    (tmp_path / "questions.csv").write_bytes(questions_csv(60))
    (tmp_path / "sums.yaml").write_text(EXPERIMENT)
    return tmp_path


@pytest.mark.usefixtures("files")
def test_from_a_file_to_a_promoted_winner_and_back(bakeoff):
    ran = bakeoff("run", "sums.yaml", "--yes")
    assert (ran.code, "You can promote it." in ran.out) == (0, True)
    assert "Simulated model" in ran.out
    results = json.loads(bakeoff("results", "sums", "--json").out)
    assert results["verdict"]["outcome"] == "ship"
    assert json.loads(bakeoff("promote", "sums", "--to", "staging", "--json").out)["version"] == 2
    assert bakeoff("promote", "sums", "--to", "production").code == 0
    listed = json.loads(bakeoff("prompts", "list", "--json").out)
    assert listed[0]["labels"] == {"production": 2, "staging": 2}
    refused = bakeoff("rollback", "sums", "--reason", "tone")
    assert (refused.code, "No earlier version" in refused.err) == (2, True)
    assert bakeoff("audit", "verify").code == 0


@pytest.mark.usefixtures("files")
def test_the_same_command_again_runs_nothing_twice(bakeoff):
    bakeoff("run", "sums.yaml", "--yes")
    first = bakeoff("export", "sums", "--what", "attempts").out
    again = bakeoff("run", "sums.yaml", "--yes")
    assert again.code == 0
    assert "Found experiment" in again.err
    assert bakeoff("export", "sums", "--what", "attempts").out == first


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    ("effect", "rows", "code"), [("0.05", None, 0), ("0.05", "10", 4)], ids=["ship", "cannot_decide"]
)
def test_the_gate_tells_the_verdict_by_its_exit_code(bakeoff, effect, rows, code):
    arguments = ["run", "sums.yaml", "--yes", "--gate", *(["--rows", rows] if rows else [])]
    assert bakeoff(*arguments).code == code


def test_the_gate_keeps_the_control(bakeoff, files):
    swapped = EXPERIMENT.replace("name: A", "name: X").replace("name: B", "name: A").replace("name: X", "name: B")
    (files / "sums.yaml").write_text(swapped + "control: A\n")
    assert bakeoff("run", "sums.yaml", "--yes", "--gate").code == 1


def test_a_budget_stop_has_its_own_exit_code_and_keeps_what_is_done(bakeoff, files):
    (files / "sums.yaml").write_text(EXPERIMENT.replace("{concurrency: 8}", "{concurrency: 4, budget_usd: 0.0003}"))
    stopped = bakeoff("run", "sums.yaml", "--yes")
    assert stopped.code == 5
    assert "results are kept" in stopped.err
    (files / "sums.yaml").write_text(EXPERIMENT.replace("{concurrency: 8}", "{concurrency: 4, budget_usd: 3}"))
    assert bakeoff("run", "sums.yaml", "--yes").code == 0


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("reference: answer", "referense: answer", "line 4: unknown key 'referense'. Did you mean 'reference'?"),
        ("reference: answer", "reference: anser", "no column 'anser'"),
        ("{{question}}", "{{qestion}}", "{{qestion}}"),
        ("questions.csv", "qestions.csv", "no file 'qestions.csv'"),
        ("metric: has_key", "metric: has_keys", "Did you mean 'has_key'?"),
        ("contains:", "contain:", "contain"),
        ("smallest_effect: 0.05", "smallest_effect: no", "smallest_effect"),
        ("name: B", "name: A", "same name"),
        ("demo/small}", "nothing/model}", "nothing/model"),
        ("variants:", "variants", "line"),
    ],
)
def test_a_mistake_in_the_file_is_one_line_that_names_it(bakeoff, files, old, new, said):
    (files / "sums.yaml").write_text(EXPERIMENT.replace(old, new, 1))
    done = bakeoff("run", "sums.yaml", "--yes")
    assert done.code == 2
    assert said in done.err
    assert len([line for line in done.err.splitlines() if line.startswith("bakeoff: ")]) == 1
    assert "Traceback" not in done.err
    assert done.out == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ("results", "nothing"),
        ("results",),
        ("export", "nothing", "--what", "outputs"),
        ("promote", "nothing"),
        ("prompts", "show", "nothing"),
        ("run", "missing.yaml"),
        ("import", "dataset", "missing.csv"),
        ("keys", "create", "--name", "x", "--scopes", "fly"),
        ("keys", "revoke", "nothing"),
        ("db", "restore", "missing.gz"),
        ("nonsense",),
        ("run", "--concurrency", "0", "x.yaml"),
    ],
)
def test_what_cannot_be_done_is_exit_code_2_and_one_line(bakeoff, arguments):
    done = bakeoff(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("bakeoff: ")
    assert done.err.count("\n") == 1


def test_imported_answers_lead_to_a_verdict(bakeoff, tmp_path):
    lines = ["example_id,question,answer,variant,output,is_right"]
    for i in range(60):
        lines += [f"{i},q{i},{i},old,{i if i % 3 else 'x'},{int(i % 3 != 0)}", f"{i},q{i},{i},new,{i},1"]
    (tmp_path / "answers.csv").write_text("\n".join(lines))
    done = bakeoff("import", "outputs", "answers.csv", "--experiment", "recorded")
    results = json.loads(bakeoff("results", "recorded", "--json").out)
    assert done.code == 0
    assert "is_right (pass or fail)" in done.err
    assert (results["verdict"]["outcome"], results["verdict"]["winner"]) == ("ship", "new")
    assert results["comparisons"][0]["details"]["fixed"] == 20
    assert bakeoff("score", "recorded", "--scorer", "exact_match", "--json").code == 0
    refused = bakeoff("promote", "recorded")
    assert (refused.code, "no prompt to serve" in refused.err) == (2, True)


def test_a_prompt_goes_out_and_comes_in_as_a_file(bakeoff, tmp_path):
    (tmp_path / "p.yaml").write_text(
        "name: reply\nprompt: 'Hi {{x}}'\nmodel: demo/small\nparameters: {temperature: 0.5}\n"
    )
    pushed = json.loads(bakeoff("prompts", "push", "p.yaml", "--label", "staging", "--json").out)
    assert pushed == {"prompt": "reply", "version": 1, "label": "staging", "cautions": []}
    assert bakeoff("prompts", "pull", "reply", "-o", "q.yaml").code == 0
    assert json.loads(bakeoff("prompts", "push", "q.yaml", "--json").out)["version"] == 1
    (tmp_path / "p.yaml").write_text("name: reply\nprompt: 'Hello {{x}}'\nmodel: demo/small\n")
    bakeoff("prompts", "push", "p.yaml")
    shown = bakeoff("prompts", "diff", "reply", "1", "2").out
    assert "[-Hi-]{+Hello+}" in shown
    assert "temperature: 0.5 → not set" in shown


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("what", ["outputs", "attempts", "scores", "analysis"])
@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_everything_can_be_exported(bakeoff, files, what, form):
    bakeoff("run", "sums.yaml", "--yes", "--rows", "3")
    done = bakeoff("export", "sums", "--what", what, "--format", form, "-o", f"out.{form}")
    assert done.code == 0
    assert len((files / f"out.{form}").read_text().splitlines()) >= 6


@pytest.mark.usefixtures("files")
def test_a_backup_restores_into_another_home(bakeoff, files, monkeypatch):
    from commands import terminal

    bakeoff("run", "sums.yaml", "--yes", "--rows", "5")
    before = bakeoff("results", "sums", "--json").out
    assert bakeoff("db", "backup", "b.gz").code == 0
    terminal.store().close()
    monkeypatch.setenv("BAKEOFF_HOME", str(files / "other"))
    terminal.settings.cache_clear()
    terminal.store.cache_clear()
    assert bakeoff("db", "restore", "b.gz").code == 0
    assert bakeoff("results", "sums", "--json").out == before
    assert bakeoff("audit", "verify").code == 0


@pytest.mark.usefixtures("files")
def test_the_statistics_run_on_an_exported_table_without_a_database(bakeoff, files):
    bakeoff("run", "sums.yaml", "--yes")
    bakeoff("export", "sums", "--what", "analysis", "-o", "t.csv")
    plan = "control: A\nplan: {primary: {metric: has_key, smallest_effect: 0.05}}\nmetrics: {has_key: {kind: binary}}\n"
    (files / "plan.yaml").write_text(plan)
    results = json.loads(bakeoff("analyse", "t.csv", "--plan", "plan.yaml", "--json").out)
    assert results["verdict"]["outcome"] == "ship"


def test_a_key_is_shown_once_and_revoked(bakeoff):
    made = json.loads(bakeoff("keys", "create", "--name", "app", "--scopes", "read,promote", "--json").out)
    assert made["key"].startswith(f"bk_{made['id']}_")
    assert made["key"] not in bakeoff("keys", "list", "--json").out
    assert bakeoff("keys", "revoke", made["id"]).code == 0


def test_serving_to_the_network_without_login_is_refused(bakeoff):
    done = bakeoff("serve", "--host", "0.0.0.0")
    assert (done.code, "--insecure-no-login" in done.err) == (2, True)


def test_every_command_explains_itself():
    commands = _all_commands(typer.main.get_command(cli.app), ())
    assert len(commands) > 20
    for name, command in commands.items():
        assert command.help, f"{' '.join(name)} has no help"


def _all_commands(command, path):
    if hasattr(command, "commands"):
        found = {}
        for name, inner in command.commands.items():
            found |= _all_commands(inner, (*path, name))
        return found
    return {path: command}


@pytest.mark.usefixtures("files")
def test_the_gate_leaves_its_files_for_the_build(bakeoff, tmp_path):
    ran = bakeoff("run", "sums.yaml", "--yes", "--gate", "--junit", "gate.xml", "--markdown", "gate.md")
    assert ran.code == 0
    assert '<testsuite name="bakeoff.sums"' in (tmp_path / "gate.xml").read_text()
    assert "✅ Ship" in (tmp_path / "gate.md").read_text()
    assert not list(tmp_path.glob("*.partial"))
    unwritable = bakeoff("run", "sums.yaml", "--yes", "--junit", "no/such/folder.xml")
    assert (unwritable.code, "cannot be written" in unwritable.err) == (2, True)


@pytest.mark.usefixtures("files")
def test_a_judge_is_applied_from_the_terminal_without_new_answers(bakeoff):
    bakeoff("run", "sums.yaml", "--yes")
    before = bakeoff("export", "sums", "--what", "outputs").out
    entry = "judge: {name: right, model: demo/judge, rubric: 'Is correct.', reference: true}"
    done = bakeoff("score", "sums", "--scorer", entry, "--json")
    told = json.loads(done.out)
    assert done.code == 0
    assert told["judges"]["right"] == {"judged": 120, "answers": 120}
    assert told["judge_usd"] > 0
    assert bakeoff("export", "sums", "--what", "outputs").out == before
    purposes = [
        json.loads(line)["purpose"] for line in bakeoff("export", "sums", "--what", "attempts").out.splitlines()
    ]
    assert (purposes.count("generate"), purposes.count("judge")) == (120, 120)
    results = json.loads(bakeoff("results", "sums", "--json").out)
    assert results["judges"][0]["judge"] == "right@1"
    assert {c["metric"] for c in results["comparisons"]} == {"has_key", "right"}
    assert results["cost"]["judge_usd"] == pytest.approx(told["judge_usd"])


def test_a_wrong_judge_is_told_in_one_line(bakeoff, files):
    text = EXPERIMENT.replace("scorers: [", "scorers: [{judge: {name: x, modle: demo/judge, rubric: y}}, ")
    (files / "sums.yaml").write_text(text)
    refused = bakeoff("run", "sums.yaml", "--yes")
    assert refused.code == 2
    assert "A judge has no option 'modle'" in refused.err
    assert "model" in refused.err
