"""In production: one card per prompt; what is live, since when, who, why, and the way back."""

import streamlit as st

from experiments.prompts.labels import FIRST_LABELS, PRODUCTION
from experiments.views.registry.served import live_cards
from pages.components.empty import show_empty
from pages.components.errors import show_errors
from pages.components.live.card import show_live_card, show_rolled_back
from pages.components.pickers import choice_in_address, keep_in_address
from pages.components.session import store

PAGE = 10

with show_errors():
    title, switch = st.columns([3, 2], vertical_alignment="bottom")
    title.title("In production", anchor=False)
    with switch, st.container(horizontal=True, horizontal_alignment="right"):
        choice_in_address("label", FIRST_LABELS, PRODUCTION)
        label = st.segmented_control(
            "Where",
            list(FIRST_LABELS),
            required=True,
            format_func=str.capitalize,
            key="label",
            on_change=keep_in_address,
            args=("label", PRODUCTION),
            label_visibility="collapsed",
        )
    show_rolled_back()
    cards = live_cards(store(), label=label if label in FIRST_LABELS else PRODUCTION)
    if not cards:
        show_empty(
            "Nothing promoted yet",
            "Save a prompt, then put its first version live; from then on a result decides.",
            "Write a prompt",
            "write_prompts.py",
        )
    pages = -(-len(cards) // PAGE)
    at = st.pagination(pages, key="page_of_cards", bind="query-params") if pages > 1 else 1
    for card in cards[PAGE * (at - 1) : PAGE * at]:
        show_live_card(card)
