"""English, German, French and Spanish: telling them apart, and which one a prompt asks for."""

from __future__ import annotations

import re

from experiments.demo_models.wording import either, words

LANGUAGES = ("en", "de", "fr", "es")

MARKERS = {
    "en": words(
        "the and is are was my i you for not with have has this that to of it please can cannot hello when how why what"
    ),
    "de": words(
        "der die das und ist sind war mein meine ich sie für nicht mit habe hat dies dass zu von es bitte kann hallo "
        "wann wie warum was ein eine wir auf den im noch immer keine"
    ),
    "fr": words(
        "le la les et est sont était mon ma je vous pour pas avec ai a ce que de il bonjour quand comment pourquoi un "
        "une nous sur dans ne mes votre toujours plus"
    ),
    "es": words(
        "el la los y es son era mi mis yo usted para no con he ha este que de hola cuándo cómo por qué un una nosotros "
        "en lo se me su gracias todavía"
    ),
}
WORD = re.compile(r"[^\W\d_]+")
LONGEST_LOOK = 2_000

NAMES = {
    "en": r"english|englisch|anglais|inglés",
    "de": r"german|deutsch|allemand|alemán",
    "fr": r"french|französisch|français|francés",
    "es": r"spanish|spanisch|espagnol|español",
}
ASKED = {
    language: either(
        r"(?:in|into|auf|en|only|use|speak|write|reply|answer|respond)\s+(?:fluent |plain |simple |formal )?"
        rf"(?:{names})\b"
    )
    for language, names in NAMES.items()
}


def detected_language(text: str) -> str:
    """``en``, ``de``, ``fr`` or ``es``, by the most frequent small words; English where nothing speaks for another."""
    found = [word.lower() for word in WORD.findall(text[:LONGEST_LOOK])]
    counts = {language: sum(word in markers for word in found) for language, markers in MARKERS.items()}
    best = max(LANGUAGES, key=lambda language: counts[language])
    return best if counts[best] > counts["en"] else "en"


def requested_language(instructions: str) -> str | None:
    """The language in which the answer is asked for, or None."""
    return next((language for language in LANGUAGES if ASKED[language].search(instructions)), None)
