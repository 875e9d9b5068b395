"""The shell: which pages there are, in which order, under which address. The only ``st.navigation``.

It lives inside ``pages/``: beside that folder, the first deep link after a start would bypass it.
"""

from pathlib import Path

import streamlit as st

from pages.components.rate.component import rating_screen
from pages.components.rate.rating_visit import shows_only_rating
from pages.components.session import settings
from pages.components.show_output import load_style

ASSETS = Path(__file__).parent / "assets"

st.set_page_config(page_title="Bakeoff", page_icon=str(ASSETS / "mark.svg"), layout="wide")
st.logo(str(ASSETS / "bakeoff.svg"), size="large", icon_image=str(ASSETS / "mark.svg"))
load_style()
rating_only = shows_only_rating()

page = st.navigation(
    {
        "": [
            st.Page(
                "start_here.py",
                title="Home",
                icon=":material/home:",
                default=True,
                help="What needs you now, running tests, and the last decisions.",
            ),
        ],
        "Test": [
            st.Page(
                "write_prompts.py",
                title="Prompts",
                icon=":material/edit_note:",
                url_path="prompts",
                help="Write two variants side by side and try both on a real row.",
            ),
            st.Page(
                "prepare_datasets.py",
                title="Test sets",
                icon=":material/table_rows:",
                url_path="test-sets",
                help="Upload real inputs, see what is odd about them, say which column is what.",
            ),
            st.Page(
                "design_experiment.py",
                title="Experiments",
                icon=":material/balance:",
                url_path="experiments",
                help="Plan a comparison, see what certainty costs, start it.",
            ),
            st.Page(
                "read_results.py",
                title="Result",
                icon=":material/query_stats:",
                url_path="result",
                visibility="hidden",
                help="Progress, the verdict, and the answers behind it.",
            ),
        ],
        "Judge": [
            st.Page(
                "collect_ratings.py",
                title="Rate answers",
                icon=":material/how_to_vote:",
                url_path="ratings",
                help="Ask people which answers are better, blind, and see how far they agree.",
            ),
            st.Page(
                "rate_outputs.py",
                title="Rating",
                icon=":material/how_to_vote:",
                url_path="rate",
                visibility="hidden",
                help="What people with a rating link see.",
            ),
            st.Page(
                "check_quality.py",
                title="Quality checks",
                icon=":material/fact_check:",
                url_path="checks",
                help="Say what a good answer is, try an AI judge on ten answers, see how far people agree with it.",
            ),
        ],
        "Ship": [
            st.Page(
                "watch_live.py",
                title="Live tests",
                icon=":material/call_split:",
                url_path="live",
                help="Split real traffic, watch it, ramp it, stop it.",
            ),
            st.Page(
                "browse_registry.py",
                title="In production",
                icon=":material/rocket_launch:",
                url_path="production",
                help="What is live, since when, who decided it and why; roll back.",
            ),
        ],
        "Installation": [
            st.Page(
                "change_settings.py",
                title="Settings",
                icon=":material/settings:",
                url_path="settings",
                help="Models and prices, budget, keys, and how this installation is doing.",
            ),
        ],
    },
    position="hidden" if rating_only else "sidebar",
)

if rating_only:
    rating_screen()
    st.stop()

if settings().insecure_no_login:
    st.warning(
        "**No login.** Everybody who reaches this address can read, spend and promote here.",
        icon=":material/lock_open:",
    )

page.run()
