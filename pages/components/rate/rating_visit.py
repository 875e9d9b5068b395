"""Whether this browser belongs to a rater: it opened a rating link, which left a cookie behind.

The cookie is looked at only to choose what is drawn. What a rater may see and do, the HTTP routes decide by what is in
it.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import streamlit as st

from pages.components.session import settings
from settings import LOOPBACK

COOKIE = "bakeoff_rater"
PATH = "rate"


def is_rater() -> bool:
    """True in a browser that opened a rating link."""
    cookie = st.context.cookies.get(COOKIE)
    return isinstance(cookie, str) and cookie != ""  # without a browser (AppTest) it is something else


def shows_only_rating() -> bool:
    """True where nothing but the rating page is drawn, whichever address is opened.

    On one's own machine that is the rating page alone, so that an owner can try the link in the same browser.
    """
    address = urlsplit(st.context.url or "")
    own_machine = settings().is_local() and address.hostname in LOOPBACK
    return is_rater() and (address.path.strip("/") == PATH or not own_machine)
