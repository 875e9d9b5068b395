"""Internal words in the language of the page."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from experiments.wording import metric_name

FAILURES = {
    "rate_limit": "rate limit",
    "quota": "quota used up",
    "auth": "key refused",
    "timeout": "too slow",
    "connection": "no connection",
    "server_error": "provider's error",
    "bad_request": "request refused",
    "context_length": "too long for the model",
    "model_not_found": "unknown model",
    "malformed_response": "unreadable answer",
    "interrupted": "interrupted",
    "imported": "failed before import",
}
ANSWERS = {
    "refusal": "Refused",
    "content_filter": "Filtered",
    "empty": "Empty",
    "cut_at_length": "Cut at length",
    "tool_call": "Tool call",
    "bad_json": "Broken JSON",
}


def names_of(metrics: Iterable[str]) -> Callable[[str], str]:
    """For a picker of metrics: each as people read it, those that would read alike by their keys."""
    known = tuple(metrics)
    return lambda metric: metric_name(metric, beside=known)


def failure_words(kind: str | None) -> str:
    """Why there is no answer, in two or three words."""
    return FAILURES.get(kind or "", (kind or "failed").replace("_", " "))


def answer_words(response_class: str | None) -> str | None:
    """What is odd about an answer, or None when nothing is."""
    return ANSWERS.get(response_class or "")
