"""The most frequent function words of languages in Latin script: they tell a language and carry no content.

Written by hand from general knowledge of each language; a word may stand in several lists.
"""

from __future__ import annotations

from experiments.scoring.word_lists import word_list

FUNCTION_WORDS: dict[str, frozenset[str]] = {
    "en": word_list(
        "the of and to in a is that it for was on are as with they be at this have from or had by but not "
        "what all were we when your you can there an their which if will would about up out them then these "
        "so some her him has its who did my than i he she do does how our no been may should could because "
        "into"
    ),
    "de": word_list(
        "der die das und ist nicht ein eine einen einem einer eines zu den dem des mit von auf für im sich "
        "auch es an als wie ich sie er wir ihr werden wird wurde haben hat sind war bei nach aus oder aber "
        "wenn dass nur noch kann können über zum zur vom um durch man so was ihre ihren ihnen mir mich uns "
        "unser bitte"
    ),
    "fr": word_list(
        "le la les des et est un une du de en que qui dans pour pas par sur avec ce cette ces il elle ils "
        "elles nous vous je ne se sont être avoir a au aux ou mais son sa ses leur leurs plus comme on été "
        "fait tout votre notre à où d l qu c n s j"
    ),
    "es": word_list(
        "el la los las de y es en que un una unos unas por para con no se su sus del al lo como más pero fue "
        "son está este esta estos estas ha han o yo tú él ella nosotros usted ustedes muy ser todo todos "
        "también cuando sin sobre le les me mi tu nos hay puede"
    ),
    "it": word_list(
        "il lo la i gli le di e è un una uno che in per con non si del della dei delle al alla ai dal dalla "
        "nel nella sono come più ma anche questo questa questi queste ha hanno da suo sua loro o se ci mi ti "
        "vi noi voi io tutti essere ogni cui su sul sulla"
    ),
    "pt": word_list(
        "o a os as de e é em que um uma uns umas por para com não se do da dos das no na nos nas ao aos à às "
        "como mais mas foi são está este esta isso ele ela eles elas você vocês nós seu sua seus suas ou ser "
        "todo todos também quando sem sobre lhe me meu pelo pela"
    ),
    "nl": word_list(
        "de het een en van is in op te dat die niet met voor zijn aan er om ook als maar bij naar uit door "
        "over of we wij ik je jij u hij zij ze was worden wordt heeft hebben deze dit wat nog kan kunnen zal "
        "zou tot dan onze uw mijn elkaar geen moet"
    ),
    "sv": word_list(
        "och att det är en ett i på som av för den med till inte om har de vi jag du ni han hon var från men "
        "så kan ska skall eller när vid också sig sin sitt sina ut över alla detta denna dessa blir blev hade "
        "vara varandra er mycket"
    ),
    "da": word_list(
        "og at det er en et i på som af for den med til ikke om har de vi jeg du han hun var fra men så kan "
        "skal eller når ved også sig sin sit sine ud over alle dette denne disse bliver blev havde være "
        "hinanden jer meget mod hvad mig dig os efter fra deres mellem uden tak vores jeres nogle"
    ),
    "no": word_list(
        "og at det er en et i på som av for den med til ikke om har de vi jeg du han hun var fra men så kan "
        "skal eller når ved også seg sin sitt sine ut over alle dette denne disse blir ble hadde være "
        "dere mye mot hva meg deg oss etter deres mellom uten takk vår noen bare"
    ),
    "fi": word_list(
        "ja on ei se että oli hän ovat en myös mutta kun tai joka niin kuin ole minä sinä me te he tämä nämä "
        "mitä jos vain sen siitä kanssa ovat olla voi ne jotka hänen heidän niiden kaikki sekä toisiaan"
    ),
    "pl": word_list(
        "i w na się nie że z do to jest jak o co po ale za od tak są dla czy był była było być przez tylko "
        "jego jej ich ten ta te oraz może można który która które wszystko już we ze ma mi mnie my wy oni pan "
        "pani sobie są"
    ),
    "cs": word_list(
        "a se na je že v to s z do o i jsem jsou jak ale za by tak po co jako nebo který která které být byl "
        "byla bylo od pro při jen jeho její jejich tento tato může mohou už má my vy oni také si ve ze "
        "všichni mají sebou"
    ),
    "ro": word_list(
        "și de în la a cu nu este că pe un o din mai care pentru sunt se ce să au fost prin sau dar lui ei "
        "lor al ai ale această acest aceste aceasta fi ca după dacă toate toți noi voi eu tu el ea unele "
        "altele"
    ),
    "hu": word_list(
        "a az és hogy nem is egy van ez meg volt de csak már ha mint vagy el még ki azt ezt minden lehet kell "
        "ők mi ön én te ő nagyon után között szerint által amely akik ami egymással"
    ),
    "tr": word_list(
        "ve bir bu için ile da de ne çok daha gibi olarak olan var değil ama en kadar sonra ben sen biz siz "
        "onlar o her şey mi mı mu mü ki ya veya ise olduğu göre karşı diye bütün"
    ),
    "id": word_list(
        "yang dan di itu dengan untuk tidak ini dari dalam akan pada juga saya ke karena tersebut bisa ada "
        "mereka kami kita anda ia dia atau oleh telah sudah dapat lebih adalah seperti harus satu semua orang"
    ),
    "vi": word_list(
        "và của là có không được trong cho các một những người đã này với khi để tôi bạn như đến từ ra vào "
        "cũng về trên phải hay nhiều chúng ta họ sẽ đó mọi đều"
    ),
}
"""Language code → its words, in lower case."""
