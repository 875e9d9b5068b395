"""Small English word lists for tone and sentiment, written by hand for customer-facing text."""

from __future__ import annotations

import re

from experiments.scoring.word_lists import word_list


def _pattern(phrases: str) -> re.Pattern[str]:
    alternatives = sorted((phrase.strip() for phrase in phrases.split(",")), key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(alternatives)})\b")


TONES: dict[str, re.Pattern[str]] = {
    "polite": _pattern(
        "please, thank you, thanks, many thanks, kindly, would you, could you, may i, i appreciate, we "
        "appreciate, you're welcome, my pleasure, dear, kind regards, best regards, sincerely"
    ),
    "warm": _pattern(
        "happy to help, glad to help, i understand, we understand, i hear you, i can imagine, glad, "
        "delighted, hope this helps, hope that helps, take care, feel free, let me know, here for you, great "
        "question, welcome"
    ),
    "apologetic": _pattern(
        "sorry, i apologi[sz]e, we apologi[sz]e, apolog(?:y|ies), regret, forgive, my bad, our mistake, my mistake"
    ),
    "hedging": _pattern(
        "maybe, perhaps, possibly, probably, might, could be, may be, i think, i believe, i guess, it seems, "
        "it appears, seemingly, apparently, somewhat, sort of, kind of, i'm not sure, as far as i know, to "
        "some extent, generally speaking, in some cases"
    ),
    "pushy": _pattern(
        "buy now, act now, order now, sign up now, don't miss, hurry, last chance, limited time, limited "
        "offer, today only, you must, you have to, you need to, guaranteed, risk.?free, exclusive offer, best "
        "price, once in a lifetime, what are you waiting for"
    ),
    "dismissive": _pattern(
        "obviously, clearly you, as i (?:already )?said, as previously stated, calm down, not my problem, not "
        "our problem, your own fault, you should have, you failed to, just google, whatever, if you had read, "
        "like i said, it's simple, that's your"
    ),
}
"""Tone → what its words and phrases look like in lower-case text with straight apostrophes."""

NEGATIONS = word_list(
    "not no never none neither nor without hardly barely cannot can't don't doesn't didn't isn't wasn't aren't won't"
)
"""A sentiment word within three words after one of these counts the other way round."""

POSITIVE_WORDS = word_list(
    "good great excellent amazing awesome wonderful fantastic perfect best better love loved loves lovely "
    "like liked happy glad pleased delighted satisfied satisfying enjoy enjoyed enjoyable helpful useful easy "
    "fast quick quickly friendly kind nice pleasant polite beautiful brilliant superb outstanding impressive "
    "impressed recommend recommended reliable smooth smoothly success successful successfully works worked "
    "improved improvement win winner fun thank thanks grateful appreciate appreciated positive fresh clean "
    "comfortable convenient efficient effective fair favorite favourite free generous genuine gentle honest "
    "hope hopeful ideal incredible intuitive joy professional promptly proud quality refreshing resolved "
    "rewarding safe secure smart solid solved splendid strong stunning super supportive terrific thorough "
    "thoughtful thrilled top trust valuable warm welcome worth worthy yummy delicious tasty bright calm "
    "charming cheerful clear courteous elegant exciting excited accurate affordable"
)

NEGATIVE_WORDS = word_list(
    "bad worse worst terrible horrible awful poor poorly hate hated hates dislike disliked sad unhappy angry "
    "annoyed annoying frustrated frustrating disappointed disappointing disappointment useless broken break "
    "breaks slow slowly rude unfriendly unhelpful difficult hard confusing confused complicated problem "
    "problems issue issues error errors fail failed fails failing failure bug bugs buggy crash crashed "
    "crashes defective damaged damage dirty disgusting disgusted dangerous expensive overpriced fake fraud "
    "scam late delay delayed lost lose missing wrong incorrect mistake mistakes negative never-ending noisy "
    "outdated pain painful pathetic regret refuse refused ridiculous ripoff sick stupid suck sucks terribly "
    "tired ugly unacceptable uncomfortable unclear unfair unfortunately unreliable unsafe upset waste wasted "
    "weak worried worry worrying worthless complaint complain complained cancel cancelled cheated cold cruel "
    "dead dreadful dull faulty fear harmful hopeless inferior insult insulting lazy leak leaked lie lies lied "
    "mess miserable misleading nasty neglect nightmare nonsense offensive shameful shocking tasteless threat "
    "trouble unprofessional"
)
