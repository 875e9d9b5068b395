"""Encodings: found, told, or refused at the very byte."""

import pytest

from experiments.datasets.limits import FileLimits
from experiments.datasets.reading import read_table
from experiments.errors import BakeoffError

GERMAN = "id,body\n1,Können Sie mir bitte helfen? Ich möchte mein Geld zurück – danke.\n2,straße\n"
RUSSIAN = "id,body\n1,Как вернуть деньги за заказ? Пожалуйста помогите мне.\n2,Спасибо большое\n"
POLISH = "id,body\n1,Proszę o zwrot pieniędzy za zamówienie. Dziękuję bardzo.\n2,Łódź\n"
TURKISH = "id,body\n1,Siparişim nerede? Paramı geri almak istiyorum. Teşekkürler\n2,ığdır\n"
JAPANESE = "id,body\n1,カタカナのテキストです\n2,返金をお願いします\n"


def read(content, **options):
    return read_table(content, filename="tickets.csv", **options)


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""),
        ("utf-8", b"\xef\xbb\xbf"),
        ("utf-16-le", b"\xff\xfe"),
        ("utf-16-be", b"\xfe\xff"),
        ("utf-16-le", b""),
        ("utf-16-be", b""),
        ("utf-32-le", b"\xff\xfe\x00\x00"),
        ("utf-32-be", b"\x00\x00\xfe\xff"),
    ],
)
def test_unicode_is_recognised_with_and_without_mark(encoding, mark):
    table = read(mark + GERMAN.encode(encoding))

    assert table.report.encoding == encoding
    assert table.columns == ("id", "body")
    assert table.rows[1] == ("2", "straße")
    assert table.report.notices == ()


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (GERMAN, "cp1252"),
        ("id,body\n1,café\n", "cp1252"),
        ("id,body\n1,€ 5 “smart” don’t\n", "cp1252"),
        ("id,body\n1,20°C ± 3 µm\n", "cp1252"),
        (RUSSIAN, "cp1251"),
        (POLISH, "cp1250"),
        (TURKISH, "cp1254"),
        (JAPANESE, "cp932"),
    ],
)
def test_an_old_encoding_is_guessed_and_told(text, encoding):
    table = read(text.encode(encoding))

    assert table.report.encoding == encoding
    assert table.rows[0][1] in text
    assert [n.code for n in table.report.notices] == ["encoding"]


def test_the_owner_can_name_the_encoding():
    table = read("id,body\n1,Да\n".encode("cp1251"), encoding="cp1251")

    assert table.rows == [("1", "Да")]


@pytest.mark.parametrize("name", ["nonsense", "rot13", "base64"])
def test_a_name_that_is_no_encoding_is_refused(name):
    with pytest.raises(BakeoffError) as caught:
        read(b"a,b\n1,2\n", encoding=name)

    assert caught.value.code == "bad_encoding"


def test_one_bad_byte_in_utf8_is_named_instead_of_spoiling_every_other_letter():
    content = "id,body\n1,über\n2,möglich\n3,für\n4,".encode() + b"caf\xe9\n" + "5,größer\n".encode()

    with pytest.raises(BakeoffError) as caught:
        read(content)

    assert caught.value.code == "bad_encoding"
    assert "line 5, column 6" in caught.value.message
    assert "0xE9" in caught.value.message


def test_a_bad_byte_far_into_a_large_file_is_found():
    content = b"id,body\n" + "1,größer\n".encode() * 200_000 + b"2,\xe9\n"

    with pytest.raises(BakeoffError) as caught:
        read(content)

    assert "line 200002, column 3" in caught.value.message


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"id,body\n1,a\x00b\n", "line 2, column 4"),
        ("id,body\n1,a\x00b\n".encode("utf-16"), "line 2, column 4"),
        (b"id\x00,body\n1,a\n", "line 1, column 3"),
    ],
)
def test_nul_is_refused_with_line_and_column(content, place):
    with pytest.raises(BakeoffError) as caught:
        read(content)

    assert caught.value.code == "bad_character"
    assert place in caught.value.message


def test_half_a_surrogate_pair_in_utf16_is_refused():
    with pytest.raises(BakeoffError) as caught:
        read(b"\xff\xfe" + "a,b\n1,".encode("utf-16-le") + b"\x00\xd8" + "x\n".encode("utf-16-le"))

    assert caught.value.code == "bad_encoding"


def test_a_character_that_spans_two_chunks_is_decoded():
    padding = "x" * ((1 << 20) - len("a,b\n") - 1)

    table = read(f"a,b\n{padding}é,2\n".encode(), limits=FileLimits(cell_characters=2_000_000))

    assert table.rows == [(f"{padding}é", "2")]


SENTENCES = {
    ("cp1252", "latin-1", "cp850", "mac_roman", "iso8859_15", "cp1254"): [
        "Wie heißt die Straße?;Königsallee 5", "Größe;Übung", "für;Tür", "Äpfel;Öl", "süß;weiß", "Où est l’été ?;déjà vu",
        "ça va;garçon", "élève;hôtel", "cœur;œuvre", "¿Qué hora es?;mañana", "niño;año", "¡Adiós!;canción", "não;coração",
        "ações;informações", "perché;così", "città;è", "är på;för", "åäö;Malmö", "rødgrød med fløde;æble", "kærlighed;år",
        "één;coëfficiënt", "hyvää päivää;yö", "það;þú", "café;€ 5", "„so“;“so”", "20°C ± 3;µm", "GRÖSSE;ÜBER", "5 £;§ 7",
    ],
    ("cp1250", "iso8859_2", "cp852"): [
        "Proszę;Łódź", "zażółć gęślą jaźń;źdźbło", "dziękuję;pieniędzy", "Příliš žluťoučký kůň;ďábelské ódy", "děkuji;řeka",
        "árvíztűrő;tükörfúrógép", "őszi;köszönöm", "mulţumesc;bună ziua", "čaj;žena",
    ],
    ("cp1254", "iso8859_9"): ["Siparişim nerede;teşekkürler", "ığdır;çağ"],
    ("cp1257",): ["ačiū;žąsis", "paldies;šķīvis", "šokolaad;õun"],
    ("cp1251", "koi8_r", "koi8_u", "cp866", "iso8859_5", "mac_cyrillic"): [
        "Как вернуть деньги?;спасибо", "привет;мир", "да;нет", "Дякую;їжак", "благодаря;здравей", "ПРИВЕТ;МИР", "Мой заказ;где",
    ],
    ("cp1253", "iso8859_7"): ["καλημέρα;ευχαριστώ", "Πού είναι;η παραγγελία μου"],
    ("cp1255", "iso8859_8"): ["שלום;תודה רבה"],
    ("cp1256", "iso8859_6"): ["شكرا;مرحبا بك"],
    ("cp932", "euc_jp"): ["カタカナ;返金をお願い", "東京はどこ;日本"],
    ("gb18030", "gbk", "big5"): ["你好;退款", "北京在哪里;中国", "臺灣;謝謝"],
    ("cp949", "euc_kr"): ["안녕하세요;환불", "서울은 어디;주문"],
    ("cp1258",): ["caûm;chào"],
}  # fmt: skip


@pytest.mark.parametrize("copies", [1, 3])
@pytest.mark.parametrize(("encoding", "texts"), [(name, t) for names, t in SENTENCES.items() for name in names])
def test_a_short_text_in_an_old_encoding_has_its_letters_or_is_refused(encoding, texts, copies):
    for text in texts:
        try:
            content = ("question;answer\n" + f"{text}\n" * copies).encode(encoding)
        except UnicodeEncodeError:
            continue
        try:
            rows = read(content).rows
        except BakeoffError as problem:
            assert problem.code == "bad_encoding"
            assert "--encoding" in problem.hint
        else:
            assert rows[0] == tuple(text.split(";"))
        assert read(content, encoding=encoding).rows[0] == tuple(text.split(";"))


@pytest.mark.parametrize(
    "text",
    [
        "Wie heißt die Straße?;Königsallee 5 €",
        "Où est l’été ?;déjà vu",
        "¿Qué hora es?;mañana por la mañana",
        "não;coração",
        "är på;för",
        "20°C ± 3;µm",
    ],
)
def test_usual_western_texts_are_read(text):
    assert read(f"question;answer\n{text}\n".encode("cp1252")).rows == [tuple(text.split(";"))]


@pytest.mark.parametrize("encoding", ["cp1252", "cp1251", "gb18030"])
def test_a_file_that_mixes_encodings_is_refused_by_line(encoding):
    word = {"cp1252": "größer", "cp1251": "спасибо", "gb18030": "北京在哪里"}[encoding]
    content = b"id,body\n1,plain\n" + f"2,{word}\n".encode(encoding) + f"3,{word}\n".encode() + b"4,x\n"

    with pytest.raises(BakeoffError, match="mixes encodings") as caught:
        read(content)

    assert "line 3" in caught.value.message
    assert "line 4 is" in caught.value.message


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("hello\nworld\n", 1),
        ('{"a": 1}\n5\n', 2),
        ('"a"\n"b"\n', 1),
        ("[1, 2]\n[3, 4]\n", 1),
        ("a,b\n1,2\n", 1),
        ("5\n6\n", 1),
    ],
)
@pytest.mark.parametrize("ending", ["jsonl", "ndjson"])
def test_lines_of_a_jsonl_that_are_no_objects_are_refused_by_line(content, line, ending):
    with pytest.raises(BakeoffError) as caught:
        read_table(content.encode(), filename=f"rows.{ending}")

    assert caught.value.code in ("bad_json", "not_rows")
    assert f"line {line}" in caught.value.message
