"""An experiment from its YAML file, with or without the test set beside it."""

from __future__ import annotations

import streamlit as st

from experiments.actions.datasets.import_dataset import import_dataset
from experiments.actions.datasets.import_outputs import import_outputs
from experiments.actions.runs.create_experiment import create_experiment
from experiments.datasets.output_columns import OutputOptions
from experiments.errors import BakeoffError, NotFound
from experiments.experiment_file import ExperimentSpec, parse_experiment
from experiments.views.datasets.datasets import get_dataset
from experiments.views.datasets.uploads import dataset_name_from
from pages.components.dataset.upload import ENDINGS, choose_encoding
from pages.components.errors import show_errors
from pages.components.session import actor, store

PASTED = "the pasted text"


def from_file() -> None:
    """Two ways in: an experiment file to run, or answers that were produced elsewhere."""
    plan, answers = st.columns(2, gap="medium")
    with plan, st.container(border=True, height="stretch"):
        _plan_file()
    with answers, st.container(border=True, height="stretch"):
        _answers_file()


def _plan_file() -> None:
    st.markdown("**A plan as YAML** :gray[the file that `bakeoff run` takes]")
    files = st.file_uploader(
        "The file, and its test set if that is not here yet",
        type=["yaml", "yml", *ENDINGS],
        accept_multiple_files=True,
        key="plan_files",
    )
    pasted = st.text_area(
        "Or paste it",
        key="plan_text",
        height=160,
        placeholder="name: support-reply-shorter\ndataset: support-tickets\n…",
    )
    if st.button("Check and create", icon=":material/check:", key="plan_from_file"):
        with show_errors():
            found = [file for file in files if file.name.lower().endswith((".yaml", ".yml"))]
            text = found[0].getvalue().decode("utf-8-sig", "replace") if found else pasted or ""
            spec = parse_experiment(text, source=found[0].name if found else PASTED)
            data = {file.name: file.getvalue() for file in files}
            create_experiment(store(), spec, dataset_version_id=_version(spec, data), actor=actor(), replace_draft=True)
            st.switch_page("read_results.py", query_params={"exp": spec.name})


def _version(spec: ExperimentSpec, files: dict[str, bytes]) -> str:
    """The test set the file names: one of the files dropped with it, else a stored one."""
    wanted = spec.dataset or ""
    content = files.get(wanted.replace("\\", "/").rpartition("/")[2])
    if content is not None:
        roles = {"reference": spec.reference, "unit": spec.unit, "cluster": spec.cluster, "slices": list(spec.slices)}
        name = dataset_name_from(wanted)
        return import_dataset(store(), content, filename=wanted, name=name, actor=actor(), roles=roles).version.id
    try:
        return get_dataset(store(), wanted).version_id
    except NotFound as missing:
        raise BakeoffError(missing.code, missing.message, f"{missing.hint} Or drop its file beside the plan.") from None


def _answers_file() -> None:
    """Answers that were produced elsewhere, and what is said of their columns."""
    st.markdown("**Answers from elsewhere** :gray[columns example_id, variant, output, and score:… or rating:…]")
    st.caption("Or votes between two answers: question_id, model_a, model_b, winner, answer_a, answer_b, rater.")
    file = st.file_uploader("The answers", type=ENDINGS, key="answers_file")
    filename = file.name if file else ""
    name = st.text_input(
        "Name of the experiment",
        key=f"answers_name_{filename}",  # a field keeps its first value for as long as it keeps its key
        max_chars=120,
        value=dataset_name_from(filename) if filename else "",
    )
    options, encoding = _answer_columns()
    if (
        st.button("Import the answers", icon=":material/upload:", key="answers_import", disabled=file is None)
        and file is not None
    ):
        with show_errors():
            done = import_outputs(
                store(),
                file.getvalue(),
                filename=file.name,
                experiment=name or "",
                actor=actor(),
                options=options,
                encoding=encoding,
            )
            st.switch_page("read_results.py", query_params={"exp": done.experiment.name})


def _answer_columns() -> tuple[OutputOptions, str | None]:
    """(what the owner says of the columns, the encoding that the owner names)."""
    with st.expander("Columns that belong together or are looked at apart", key="answers_columns"):
        unit = st.text_input("Column that names the row", key="answers_unit", placeholder="example_id")
        cluster = st.text_input("Column of what belongs together", key="answers_cluster", placeholder="customer_id")
        slices = st.text_input("Columns to look at apart", key="answers_slices", placeholder="language, plan")
        encoding = choose_encoding(key="answers_encoding")
    named = tuple(dict.fromkeys(part.strip() for part in (slices or "").split(",") if part.strip()))
    return OutputOptions(unit=unit or None, cluster=cluster or None, slices=named), encoding
