"""Answers that give away who wrote them: names of models, providers and variants inside the text.

Source: the idea and the first names are FastChat's (``fastchat/serve/monitor``, identity words of the arena).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

MASK = "▒▒▒"
SHORTEST_NAME = 4
LOCAL_PROVIDERS = ("demo", "ollama", "vllm", "hosted_vllm")
IDENTITY_WORDS = (
    "chatgpt", "openai", "anthropic", "claude", "gemini", "deepmind", "mistral ai", "mixtral", "cohere",
    "command r", "deepseek", "qwen", "alibaba cloud", "tongyi", "moonshot ai", "kimi", "grok", "xai",
    "llama", "meta ai", "gemma", "vicuna", "alpaca", "koala", "dolly", "stablelm", "chatglm", "glm-4", "lmsys",
    "fastchat", "wizardlm", "palm 2", "bard", "yi-34b", "01.ai", "phi-3", "phi-4", "amazon nova", "amazon titan",
    "ai21", "jamba", "ernie bot", "baichuan", "internlm", "nemotron",
)  # fmt: skip
_FAMILY = r"gpt[- ]?\d[\w.-]*"


@dataclass(frozen=True, slots=True)
class LeakFilter:
    """Finds names in answers. ``find`` gives what was found, ``mask`` the text without it."""

    pattern: re.Pattern[str]

    @classmethod
    def of(cls, *, models: Iterable[str], variants: Iterable[str]) -> LeakFilter:
        """A filter for these names and the usual ones.

        A model counts with and without its provider. Names below 4 letters (``A``) are words like others.
        """
        names = {*IDENTITY_WORDS, *variants}
        for model in models:
            parts = model.split("/")
            names |= {model, parts[-1], *(p for p in parts[:-1] if p not in LOCAL_PROVIDERS)}
        kept = sorted({n.casefold() for n in names if len(n) >= SHORTEST_NAME}, key=lambda n: (-len(n), n))
        alternatives = "|".join(re.escape(name) for name in kept)
        return cls(re.compile(rf"(?<![\w-])(?:{alternatives}|{_FAMILY})(?!\w)", re.IGNORECASE))

    def find(self, text: str, *, said_before: str = "") -> str | None:
        """The first name in the text, or None; what the row itself speaks of (``said_before``) gives nobody away."""
        known = {match.group(0).casefold() for match in self.pattern.finditer(said_before)}
        for match in self.pattern.finditer(text):
            if match.group(0).casefold() not in known:
                return match.group(0)
        return None

    def mask(self, text: str) -> str:
        """The text with every name covered."""
        return self.pattern.sub(MASK, text)
