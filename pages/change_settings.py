"""Settings: models and prices, the monthly budget, keys, and how this installation is doing."""

from datetime import UTC, datetime

import streamlit as st

from experiments.actions.installation.change_settings import set_monthly_budget
from experiments.views.installation.home import home_view
from pages.components.errors import show_errors
from pages.components.numbers import money
from pages.components.session import actor, store
from pages.components.settings.installation import show_installation
from pages.components.settings.key_list import show_keys
from pages.components.settings.model_prices import show_model_prices

MODELS, BUDGET, KEYS, SYSTEM = "Models and prices", "Budget", "API keys", "This installation"

st.title("Settings", anchor=False)
section = st.segmented_control(
    "Section",
    [MODELS, BUDGET, KEYS, SYSTEM],
    default=MODELS,
    required=True,
    key="section",
    bind="query-params",
    label_visibility="collapsed",
)
with show_errors():
    if section == MODELS:
        show_model_prices(datetime.now(UTC).date())
    elif section == KEYS:
        show_keys()
    elif section == SYSTEM:
        show_installation()
    else:
        home = home_view(store())
        limit = "no budget" if home.budget_usd is None else f"a budget of {money(home.budget_usd)}"
        st.markdown(f"**{money(home.spent_usd)}** spent this month, with {limit}.")
        st.caption("Calls that would go over it are not made; running tests stop and keep what they have.")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            amount = st.number_input(
                "US dollars a month",
                0.0,
                value=home.budget_usd,
                step=10.0,
                key="budget",
                placeholder="no budget",
                width=220,
            )
            if st.button("Save budget", type="primary", icon=":material/save:", key="budget_save"):
                set_monthly_budget(store(), amount, actor=actor())
                st.rerun()
            # An emptied field falls back to its first value, so that no budget needs a button of its own.
            if home.budget_usd is not None and st.button("No budget", icon=":material/close:", key="budget_lift"):
                set_monthly_budget(store(), None, actor=actor())
                st.rerun()
