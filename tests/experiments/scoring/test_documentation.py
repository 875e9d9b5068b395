from pathlib import Path

from experiments.scoring import describe_all
from experiments.scoring.documentation import scorers_markdown

PAGE = Path(__file__).parents[3] / "docs" / "scorers.md"


def test_the_page_says_what_the_code_does():
    assert PAGE.read_text(encoding="utf-8") == scorers_markdown(), (
        "run: python -m experiments.scoring.documentation > docs/scorers.md"
    )


def test_every_scorer_has_a_row_and_a_section_with_an_example():
    page = scorers_markdown()

    for described in describe_all():
        assert f"\n| [`{described.name}`](#{described.name}) |" in page
        assert f"\n## {described.name}\n" in page
        assert f"\n- {described.name}" in page


def test_the_examples_on_the_page_bind():
    from experiments.scoring import bind_all
    from experiments.strict_yaml import parse_yaml

    page = scorers_markdown()
    blocks = [block.split("```")[0] for block in page.split("```yaml\n")[1:]]
    entries = [parse_yaml(block, source="the page")[0] for block in blocks]

    assert len(bind_all(entries[0]["scorers"])) == 4
    assert all(len(bind_all(entry)) == 1 for entry in entries[1:])
