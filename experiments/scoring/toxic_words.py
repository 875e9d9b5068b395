"""Insults, profanity and threats in English: short lists for a rule that finds the blatant.

Words that demean groups of people are kept as digests (BLAKE2b, 6 bytes, of the lower-case word), so that nobody has
to read them here; ``digest`` makes one for a word to be added.
"""

from __future__ import annotations

import hashlib
import re

from experiments.scoring.word_lists import word_list

PROFANITY = word_list(
    "fuck fucks fucked fucker fuckers fucking motherfucker motherfuckers motherfucking shit shits shitty "
    "bullshit asshole assholes bastard bastards bitch bitches dickhead dickheads wanker wankers twat twats "
    "prick pricks slut sluts whore whores douchebag douchebags jackass dumbass goddamn piss"
)
INSULTS = word_list(
    "idiot idiots idiotic moron morons moronic imbecile imbeciles scum scumbag scumbags loser losers dimwit "
    "dimwits halfwit halfwits nitwit cretin cretins buffoon pathetic worthless subhuman vermin degenerate "
    "degenerates"
)
THREATS = re.compile(
    r"\b(?:(?:i|we)(?:'ll| will| am going to|'m going to|'re going to| are going to| want to) "
    r"(?:kill|hurt|stab|shoot|rape|beat|destroy|strangle|murder) (?:you|him|her|them|your)\b"
    r"|(?:go |please |just )?kill (?:yourself|urself)\b|kys\b|you (?:should|deserve to|will|must) die\b"
    r"|go die\b|drop dead\b|hope you (?:die|get (?:cancer|killed|hurt))"
    r"|(?:know|found out) where you (?:live|sleep)|watch your back)"
)
ATTACKS = re.compile(
    r"\b(?:you(?:'re| are)|ur) "
    r"(?:all |such |just |really |so |a |an |the |complete |total |fucking |nothing but ){0,4}"
    r"(?:stupid|dumb|ugly|disgusting|trash|garbage|useless|pathetic|worthless|hopeless|clown|pig|rat|freak|joke)\b"
    r"|\bshut up\b|\bi hate you\b"
)
SLUR_DIGESTS = word_list(
    "e533a067cd5c 2e46f8d56572 438ed034be55 51ad754d1b08 9eba73ee4d5d ac9306574c2e f248d66d8d1f 2eeb475b5f55 "
    "8c881c58dc1e 1c6916ee27b3 a4149a6bc0f1 a3377497598b 9431c69de414 26f5de8ac3a6 0bc1e6946736 a6d46978cd3f "
    "3a5188b6b3f1 d79a68ec8e1a a6e45c0c82a5 6a0391e1cec9 8e236ca175d6 4a103c5b1bff a8f9d9bd4338 867d2b5a0068 "
    "ceb15b92ab8c 1c5d0a683872 20d4b0fa3551 d517d2ba03f4 a95c2bbce736 2dc96e2a08f7 85356d5672a3 6f10e75e9e70 "
    "d0d621c47858"
)


def digest(word: str) -> str:
    """The form in which a word stands in ``SLUR_DIGESTS``."""
    return hashlib.blake2b(word.lower().encode("utf-8", "replace"), digest_size=6).hexdigest()
