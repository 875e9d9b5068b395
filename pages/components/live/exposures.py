"""Who met what: the newest exposures, or that of one user."""

from __future__ import annotations

import streamlit as st

from experiments.views.live.tests import exposures_of
from experiments.views.runs.experiments import ArmView
from pages.components.inert import element
from pages.components.numbers import moment
from pages.components.session import store
from pages.components.tables import show_table
from pages.components.variants import chip

MOST = 50
_REASONS = {"split": "drawn", "forced": "tester", "frozen": "came late", "no_unit": "no user named"}


@st.fragment
def show_exposures(key: str, arms: tuple[ArmView, ...]) -> None:
    """A search and a table, behind a closed expander."""
    letters = {arm.name: arm.letter for arm in arms}
    with st.expander("Who met what", icon=":material/person_search:", key="live_exposures"):
        unit = st.text_input("User", key="exposure_unit", placeholder="all, newest first")
        found = exposures_of(store(), key, unit=unit.strip() or None, limit=MOST)
        if not found:
            st.caption("Nobody of that name has been here." if unit else "Nobody has been here yet.")
            return
        rows = []
        for exposure in found:
            odd = "met both variants" if exposure.crossed else "" if exposure.replayed else "not what the hash gives"
            counted = "counted" if exposure.counted and not exposure.crossed else "not counted"
            parts = " · ".join(f"{name} {value}" for name, value in sorted(exposure.slices.items()))
            rows.append(
                [
                    exposure.unit or "–",
                    chip(letters.get(exposure.variant, ""), exposure.variant),
                    moment(exposure.first_at),
                    _REASONS.get(exposure.reason, exposure.reason),
                    element("span", odd or counted, cls="bk-worse" if odd else "bk-muted"),
                    parts,
                ]
            )
        show_table(["User", "Met", "First time", "Why", "", "Known of them"], rows, left=(1, 2, 3, 4, 5), wide=(3, 5))
