"""Which column of a test set means what."""

from __future__ import annotations

import streamlit as st

from experiments.actions.datasets.import_dataset import set_roles
from experiments.views.datasets.datasets import DatasetView
from pages.components.errors import show_errors
from pages.components.session import actor, store

NONE = "–"


def edit_roles(view: DatasetView) -> None:
    """A form with one choice per role; experiments made later start from it."""
    with st.form("roles", border=True):
        st.markdown("**What the columns mean**")
        chosen = {
            role: st.selectbox(
                label, [NONE, *view.columns], index=_index(view, role), key=f"role_{role}_{view.name}", help=why
            )
            for role, label, why in (
                ("reference", "Expected answer", "Scorers compare with it."),
                ("unit", "Names the row", "An id of your own; without one the row's content names it."),
                ("cluster", "Belongs together", "Rows of one customer or conversation do not count as independent."),
            )
        }
        slices = st.multiselect(
            "Slices",
            list(view.columns),
            default=[c for c in view.roles.get("slices", ()) if c in view.columns],
            key=f"role_slices_{view.name}",
            help="Results are shown for every value of these columns too.",
        )
        if st.form_submit_button("Save roles", icon=":material/save:"):
            with show_errors():
                roles = {role: None if column == NONE else column for role, column in chosen.items()}
                set_roles(store(), view.name, {**roles, "slices": slices}, actor=actor())
                st.toast("Roles saved.", icon=":material/check:")


def _index(view: DatasetView, role: str) -> int:
    column = view.roles.get(role)
    return 1 + view.columns.index(column) if column in view.columns else 0
