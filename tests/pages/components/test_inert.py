"""Text of people and models is text: in labels and in markup, whatever is in it."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.components.inert import Html, cut, element, joined, plain, visible
from pages.components.show_output import diff_markup, show

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[click](https://evil.example)",
    "![x](https://evil.example/x.png)",
    ":material/delete: :red[danger] :smile:",
    "$\\alpha$ `code` **bold** # head",
    "www.evil.example a@evil.example mailto:x@y",
    "a\u202eb\x00c\x1b[31m",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_markup_holds_the_text_and_nothing_else(text):
    made = element("div", text, title=text, label=text)

    inside = re.fullmatch(r"<div[^<>]*>(.*)</div>", made, re.DOTALL)
    assert inside
    assert "<" not in inside[1]
    assert html.unescape(inside[1]) == visible(text)


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_diff_shows_both_texts_and_no_tag_of_theirs(before, after):
    made = diff_markup(before, after)

    assert set(re.findall(r"</?([a-z]+)", made)) <= {"ins", "del"}
    bare = html.unescape(re.sub(r"</?(?:ins|del)>", "", re.sub(r"<del>.*?</del>", "", made, flags=re.DOTALL)))
    if "<" not in before + after and "<del>" in made and "<ins>" in made:
        assert bare == visible(after)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_label_has_no_sign_that_means_anything(text):
    made = plain(text)

    assert "\n" not in made
    assert not re.search(r"(?<!\\)[*_`\[\]<>#!$:|~]", made)
    assert not re.search(r"(?i)https?:|www\.|mailto:", made)


@given(st.text(max_size=200))
def test_a_label_reads_as_the_text_it_was_made_of(text):
    read = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", plain(text)).replace("\u2060", "")
    words = "".join(
        char for char in text if not re.match(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", char)
    )

    assert read.split() == words.replace("\u2060", "").split()


def test_a_long_text_is_cut_with_a_sign():
    assert cut("abcdef", 4) == "abc…"
    assert cut("abcd", 4) == "abcd"
    assert len(plain("x" * 5000, most=100)) == 100


def test_only_markup_that_was_made_here_is_drawn():
    with pytest.raises(TypeError):
        show("<b>bold</b>")
    assert isinstance(joined("a", None, element("b", "c")), Html)
    assert joined("a & b", element("b", "c")) == "a &amp; b<b>c</b>"


def test_a_text_takes_its_direction_from_its_first_strong_letter():
    assert 'dir="auto"' in element("div", "שלום", cls="bk-text bk-muted")
    assert 'dir="auto"' in element("li", "مرحبا")
    assert "dir" not in element("div", "a label of ours", cls="bk-chips")
