"""Prompts: two editors, what differs, what is missing, and versions that are kept."""

from experiments.actions.registry.roll_back import set_label
from experiments.actions.registry.save_prompt import save_prompt
from experiments.prompts.content import text_prompt
from experiments.views.registry.prompts import get_prompt, list_prompts
from tests.builders import ADA


def _versions(store, *texts):
    for text in texts:
        save_prompt(store, "reply", text_prompt(text, model="demo/small"), actor=ADA, note=f"note of {text[:5]}")


def _written(page, a, b):
    page.at.text_area(key="write_A_text0").set_value(a)
    page.at.text_area(key="write_B_text0").set_value(b)
    return page.run()


def _save(page, letter, name, note=""):
    form = page.at.form(key=f"save_form_{letter}_None")
    form.text_input[0].set_value(name)
    form.text_input[1].set_value(note)
    page.at.button(key=f"save_{letter}").click()
    return page.run()


def test_a_text_becomes_a_version_with_its_note(app, empty):
    page = _written(app(empty).go("write_prompts.py"), "Reply to {{body}}", "Reply to {{body}}. Name the next step.")
    page = _save(page, "B", "reply", "names the next step")

    version = get_prompt(empty, "reply").versions[0]
    assert (version.number, version.note) == (1, "names the next step")
    assert version.content.as_text() == "Reply to {{body}}. Name the next step."
    assert "Version 1 of reply is saved." in page.words
    with empty.read() as tx:
        assert tx.audit.newest(1)[0].action == "prompt_version_saved"


def test_a_name_that_is_none_is_refused_and_nothing_is_kept(app, empty):
    page = _written(app(empty).go("write_prompts.py"), "Reply to {{body}}", "")
    page = _save(page, "A", "  ")

    assert len(page.errors) == 1
    assert "name" in page.errors[0].lower()
    assert list_prompts(empty) == []


def test_what_changed_is_marked_and_two_changes_at_once_are_warned_of(app, empty):
    page = _written(app(empty).go("write_prompts.py"), "Reply to {{body}}", "Answer {{body}} kindly")
    diff = next(element.value for element in page.at.html if "<del>" in element.value)
    assert "<del>Reply to</del><ins>Answer</ins> {{body}}<ins> kindly</ins>" in diff
    assert [warning.value for warning in page.at.warning] == []

    page.at.number_input(key="write_B_temperature").set_value(0.7)
    page.run()

    assert "temperature: not set → 0.7" in page.words
    assert "you will not know which of the two did it" in page.words


def test_a_variable_without_a_column_is_red_and_can_be_typed(app, finished):
    page = app(finished).go("write_prompts.py", prompt="a new prompt")
    page = _written(page, "Sum up: {{question}}", "Sum up: {{question}} for {{customer}}")

    assert "✓ {{question}}" in page.words
    assert "✗ {{customer}} has no column" in page.words
    page.at.text_area(key="try_value_customer").set_value("Ada Lovelace")
    assert "for Ada Lovelace" in page.run().words


def test_a_try_is_queued_once_with_the_values_of_the_row(app, finished):
    page = app(finished).go("write_prompts.py", prompt="sums", try_row="3")
    page.press("Run both")

    with finished.read() as tx:
        waiting = tx.previews.batch(page.at.session_state["try_batch"])
    assert len(waiting) == 2
    assert all("How much is 2 plus 5?" in str(try_.request) for try_ in waiting)
    assert "No worker is running" in page.words


def test_a_missing_value_stops_before_anything_is_asked(app, empty):
    page = _written(app(empty).go("write_prompts.py"), "Reply to {{body}}", "Reply to {{body}} kindly")
    page.press("Run both")

    assert "body" in page.errors[0]
    assert "try_batch" not in page.at.session_state


def test_versions_are_listed_with_labels_and_notes_and_can_be_loaded(app, empty):
    _versions(empty, "first {{x}}", "second {{x}}", "third {{x}}")
    set_label(empty, "reply", label="production", at="1", actor=ADA)

    page = app(empty).go("write_prompts.py", prompt="reply")
    assert page.at.text_area(key="write_A_text0").value == "first {{x}}"
    assert page.at.text_area(key="write_B_text0").value == "third {{x}}"
    labels = [expander.label for expander in page.at.expander]
    assert any("**Version 1**" in label and "production" in label and "note of first" in label for label in labels)

    page.at.button(key="load_B_2").click()
    assert page.run().at.text_area(key="write_B_text0").value == "second {{x}}"


def test_settings_that_are_no_json_are_told_beside_their_editor(app, empty):
    page = _written(app(empty).go("write_prompts.py"), "Reply", "Reply kindly")
    page.at.text_area(key="write_B_more").set_value("{seed: 7")
    page.run()

    assert page.errors == ['The other settings of B are no JSON object. Write them like {"seed": 7}.']
    assert "Compare on a test set" not in page.buttons
