"""Models of this installation: price, whose price, retirement; a price of one's own for what nobody knows."""

from __future__ import annotations

from datetime import date

import streamlit as st

from experiments.actions.installation.change_settings import forget_price, set_price
from experiments.views.installation.home import WARN_DAYS
from experiments.views.installation.models import ModelView, known_models
from experiments.wording import count, number_words
from pages.components.errors import show_errors
from pages.components.inert import Html, element
from pages.components.numbers import day
from pages.components.pickers import models as offered
from pages.components.pickers import pick_model
from pages.components.session import actor, model_problem, store
from pages.components.show_output import plain
from pages.components.tables import show_table


def show_model_prices(today: date) -> None:
    """The table, a warning per model that goes, and the form."""
    models = known_models(store())
    for model in models:
        days = model.days_left(today)
        if model.in_use and days is not None and days <= WARN_DAYS:
            when = f"in {count(days, 'day')}" if days > 0 else "already"
            st.warning(
                f"**{plain(model.name)}** is withdrawn by its provider {when}"
                f" ({day(model.retires or today)}). Compare a successor and promote it.",
                icon=":material/event_busy:",
            )
    rows = [
        [
            model.name,
            _price(model.price.input_per_million if model.price else None),
            _price(model.price.output_per_million if model.price else None),
            _price(model.price.cached_input_per_million if model.price else None),
            _source(model),
            day(model.retires) if model.retires else "–",
            _ready(model.name),
        ]
        for model in models
    ]
    head = ["Model", "Input, per million", "Output", "Cached input", "Price from", "Withdrawn on", "From here"]
    show_table(head, rows, left=(4, 6), wide=(5,))
    _form(models)


def _form(models: list[ModelView]) -> None:
    unpriced = [model.name for model in models if model.price is None]
    with st.container(border=True):
        st.markdown("**A price of your own** :gray[US dollars per million tokens; it wins over the shipped one]")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            with st.container(width=300):
                name = pick_model("Model", list(dict.fromkeys([*unpriced, *offered()])), key="price_model")
            paid_in = st.number_input("Input", 0.0, 100_000.0, value=None, key="price_in", width=130)
            paid_out = st.number_input("Output", 0.0, 100_000.0, value=None, key="price_out", width=130)
            cached = st.number_input(
                "Cached input",
                0.0,
                100_000.0,
                value=None,
                key="price_cached",
                width=130,
                placeholder="optional",
                help="Without it, cached prompt tokens count with the full price, and the cost is an estimate.",
            )
            ready = paid_in is not None and paid_out is not None
            if st.button("Save price", icon=":material/save:", key="price_save", disabled=not ready):
                with show_errors():
                    set_price(
                        store(),
                        name,
                        input_per_million=paid_in or 0.0,
                        output_per_million=paid_out or 0.0,
                        cached_input_per_million=cached,
                        actor=actor(),
                    )
                    st.rerun()
        typed = [model.name for model in models if model.source == "typed in"]
        if typed:
            with st.container(horizontal=True, vertical_alignment="bottom"):
                gone = st.selectbox("Typed-in prices", typed, key="price_typed", width=300)
                if st.button("Forget it", key="price_forget", help="The shipped price counts again."):
                    with show_errors():
                        forget_price(store(), gone, actor=actor())
                        st.rerun()


def _price(value: float | None) -> str:
    return "–" if value is None else f"${number_words(value, decimals=2)}"


def _source(model: ModelView) -> Html:
    if model.price is None:
        return element("span", "nobody knows it", cls="bk-worse")
    words = {"typed in": "you", "shipped": "the shipped list", "simulated": "invented", "local": "free: runs here"}
    return element("span", words.get(model.source, model.source))


def _ready(name: str) -> Html:
    problem = model_problem(name)
    if problem is None:
        return element("span", "✓ can be called", cls="bk-better")
    return element("span", problem.message, cls="bk-muted", title=problem.hint)
