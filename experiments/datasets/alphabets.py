"""Whether text that was decoded on trial could be somebody's writing: one language's letters, where letters stand.

One byte is another letter in each old encoding, and a guess by likelihood is wrong for short texts. So an encoding is
only taken when no other one gives different text that could be meant (``encodings.py``).
"""

from __future__ import annotations

import itertools
import re
import unicodedata

_LATIN = (
    "äöüßé", "àâæçéèêëîïôœùûüÿ", "áéíñóúü", "àçèéíïòóúü·", "áàâãçéêíóôõú", "àèéìíîòóùú", "ëéèêïöüáóúíä", "åäöéü",
    "æøåéèòôü", "åäöšž", "áðéíóúýþæö", "éèêëàâçñïöüôî", "ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž",
    "áéíóöőúüű", "ăâîşţșț", "čćđšž", "çğıöşüâîûi̇", "ąčęėįšųūž", "āčēģīķļņšūž", "äõöüšž",
)  # fmt: skip
"""Letters beyond ASCII of German, French, Spanish, Catalan, Portuguese, Italian, Dutch, Swedish, Danish and Norwegian,
Finnish, Icelandic, English, Polish, Czech, Slovak, Hungarian, Romanian, South Slavic, Turkish, Lithuanian, Latvian,
Estonian."""

_CYRILLIC = ("абвгдеёжзийклмнопрстуфхцчшщъыьэюя", "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя")
_GREEK = "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ"
_HEBREW = "אבגדהוזחטיךכלםמןנסעףפץצקרשת"
_SIGNS = set("€‘’“”„–—…«»‹›‚°£§©®™¿¡ºª·\u00a0±µ²³¼½¾×÷•‰№")
_OPENING = "„«‹¿¡£§µ½¼¾×÷‚±€"
_CLOSING = "”…™®©²³¹ºª½¼¾×÷€£§•·"
_MISPLACED = (
    re.compile(rf"[^\W\d_](?:[{_OPENING}]|[^\w\s’'\-./,:;_·&@|\"()\[\]<>=+*!?%#]+(?=[^\W\d_]))"),
    re.compile(rf"[{_CLOSING}](?=[^\W\d_])"),
    re.compile('(?:^|[;,|\t" ])\u00a0(?=\\w)', re.MULTILINE),
)
_WORD = re.compile(r"[^\W\d_]+")
_VOWELS = {"cyrillic": "аеёиоуыэюяєії", "greek": "αεηιουωάέήίόύώϊϋΐΰ"}
_ACCENTED = "άέήίόύώ"


def could_be_meant(text: str) -> bool:
    """Whether the letters beyond ASCII are one language's, and signs and capitals stand where they do in writing."""
    foreign = {c for c in text if ord(c) > 127}
    letters = {c.lower() for c in foreign if unicodedata.category(c)[0] in "LM"} - _SIGNS
    if any(c not in _SIGNS for c in foreign if unicodedata.category(c)[0] not in "LM" and not _is_wide(c)):
        return False
    words = [word for word in _WORD.findall(text) if not word.isascii()]
    if any(map(_is_wide, foreign)):
        return _is_east_asian(text, foreign)
    open_quotes = ("„" in text and not {"“", "”"} & foreign) or ("«" in text) != ("»" in text)
    if open_quotes or any(pattern.search(text) for pattern in _MISPLACED) or any(map(_odd_capitals, words)):
        return False
    if not letters or any(letters <= set(alphabet) for alphabet in _LATIN):
        return not letters or _is_latin(words)
    return not any(re.search("[A-Za-z]", word) for word in words) and _is_other_script(text, letters, words)


def _is_other_script(text: str, letters: set[str], words: list[str]) -> bool:
    """Whether the words are Russian, Bulgarian, Ukrainian, Greek, Hebrew or Arabic."""
    if any(letters <= set(alphabet) for alphabet in _CYRILLIC):
        return all(_sounds(word, "cyrillic") and word[0].lower() not in "ъыь" for word in words)
    if letters <= set(_GREEK):
        return _is_greek(words)
    if letters <= set(_HEBREW):
        return not any(re.search("[ךםןףץ].", word) or word[-1] in "כנצ" for word in words)
    return _is_arabic(text, letters)


def _odd_capitals(word: str) -> bool:
    """Whether a capital follows a small letter and one of the two is beyond ASCII: not in ``McDonald``."""
    pairs = itertools.pairwise(word)
    return any(a.islower() and b.isupper() and not (a.isascii() and b.isascii()) for a, b in pairs)


def _is_latin(words: list[str]) -> bool:
    accents = sum(not c.isascii() for word in words for c in word)
    return accents <= 0.7 * sum(map(len, words)) and not any(re.search("[^\x00-\x7f]{5}", word) for word in words)


def _sounds(word: str, script: str) -> bool:
    vowels = _VOWELS[script]
    return len(word) < 3 or (
        any(c in vowels for c in word.lower()) and not re.search(f"[^{vowels}]{{6}}", word.lower())
    )


def _is_greek(words: list[str]) -> bool:
    """Greek words of some length have one accent; ``ς`` ends a word and ``σ`` does not."""
    small = [word for word in words if len(word) > 3 and not word.isupper()]
    accented = sum(any(c in _ACCENTED for c in word.lower()) for word in small)
    placed = not any(re.search("ς.", word) or word.endswith("σ") for word in words)
    rare = sum(word.count("ΰ") + word.count("ΐ") for word in words) <= 0.02 * sum(map(len, words))
    return placed and rare and accented >= 0.6 * len(small) and all(_sounds(word, "greek") for word in words)


def _is_arabic(text: str, letters: set[str]) -> bool:
    """Letters of Arabic with as many alif and lam as Arabic has."""
    if not all("\u0621" <= c <= "\u0652" for c in letters):
        return False
    arabic = [c for c in text if "\u0621" <= c <= "\u0652"]
    return sum(c in "اللأإآ" for c in arabic) >= 0.12 * len(arabic)


def _is_wide(character: str) -> bool:
    return (
        character >= "\u1100"
        and unicodedata.category(character) != "Co"
        and not "\ufb00" <= character <= "\ufdff"
        and (character >= "\u2e80" or "\u1100" <= character <= "\u11ff")
    )


def _is_east_asian(text: str, foreign: set[str]) -> bool:
    """Japanese with kana, Chinese of common characters alone, or Korean without Chinese characters."""
    wide = [c for c in text if _is_wide(c)]
    if any(c.isalpha() and not _is_wide(c) for c in foreign) or any("\uff61" <= c <= "\uff9f" for c in wide):
        return False
    kana = sum("\u3041" <= c <= "\u30ff" for c in wide)
    hangul = sum("\uac00" <= c <= "\ud7a3" for c in wide)
    han = "".join(c for c in wide if "\u3400" <= c <= "\u9fff" or "\uf900" <= c <= "\ufaff")
    if any(unicodedata.category(c) in ("Cn", "Co") for c in wide):
        return False
    if hangul:
        return not kana and not han and _encodes("".join(wide), "euc_kr")
    if kana:
        return kana >= 0.15 * len(wide) and _encodes(han, "shift_jis")
    return bool(han) and (_is_common(han, "gb2312", 0xD7) or _is_common(han, "big5", 0xC6))


def _is_common(han: str, encoding: str, last: int) -> bool:
    return _encodes(han, encoding) and all(byte <= last for byte in han.encode(encoding)[::2])


def _encodes(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
