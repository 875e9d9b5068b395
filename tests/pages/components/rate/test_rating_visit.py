"""Who is shown the rating page alone, and how minutes are told."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pages.components.numbers import minutes_words
from pages.components.rate import rating_visit
from settings import Settings


@pytest.mark.parametrize(
    ("cookie", "url", "host", "alone"),
    [
        ("secret", "http://localhost:8501/rate", "127.0.0.1", True),
        ("secret", "http://localhost:8501/ratings", "127.0.0.1", False),  # the owner tries the link at home
        ("secret", "http://localhost:8501/", "127.0.0.1", False),
        ("secret", "https://bakeoff.example/", "127.0.0.1", True),  # behind a proxy
        ("secret", "http://localhost:8501/result", "0.0.0.0", True),
        ("secret", None, "127.0.0.1", True),
        ("", "http://localhost:8501/rate", "127.0.0.1", False),
        (None, "https://bakeoff.example/rate", "0.0.0.0", False),
    ],
)
def test_a_browser_with_a_rating_link_sees_the_rating_page_alone(
    monkeypatch: pytest.MonkeyPatch, cookie: str | None, url: str | None, host: str, alone: bool
) -> None:
    monkeypatch.setenv("BAKEOFF_HOST", host)
    context = SimpleNamespace(cookies={} if cookie is None else {rating_visit.COOKIE: cookie}, url=url)
    monkeypatch.setattr(rating_visit, "st", SimpleNamespace(context=context))
    monkeypatch.setattr(rating_visit, "settings", Settings.from_env)

    assert rating_visit.shows_only_rating() is alone


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (0, ""),
        (0.4, "under a minute left"),
        (1.2, "about 1 min left"),
        (14.6, "about 15 min left"),
        (150, "about 2.5 h left"),
    ],
)
def test_minutes_are_told_as_precisely_as_they_are_known(minutes: float, words: str) -> None:
    assert minutes_words(minutes, "left") == words
