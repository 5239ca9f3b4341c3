"""Redaction finds names wherever a file keeps text: beside pictures, above letters, in properties."""

import pytest

from ner_documents.redaction.folding import fold_text
from ner_documents.redaction.lists import NameList
from ner_documents.redaction.markup import HTML, ODF, OOXML, markup_segments
from ner_documents.redaction.rtf import rtf_segments


@pytest.mark.parametrize(
    ("dialect", "markup", "texts"),
    [
        (ODF, "<m><dc:title>Bob</dc:title><dc:subject>Ann</dc:subject><meta:keyword>Zoe</meta:keyword></m>",
         ["Bob", "Ann", "Zoe"]),
        (ODF, "<text:p>In <draw:frame><svg:title>Bob</svg:title><svg:desc>Ann</svg:desc></draw:frame>"
         "</text:p>", ["In ", "Bob", "Ann"]),
        (ODF, "<text:p>a<text:ruby><text:ruby-base>Bob</text:ruby-base><text:ruby-text>bɒb</text:ruby-text>"
         "</text:ruby> z</text:p>", ["bɒb", "aBob z"]),
        (OOXML, "<w:p><w:r><w:t>a</w:t></w:r><w:ruby><w:rt><w:r><w:t>bɒb</w:t></w:r></w:rt><w:rubyBase><w:r>"
         "<w:t>Bob</w:t></w:r></w:rubyBase></w:ruby></w:p>", ["bɒb", "aBob"]),
        (OOXML, "<si><t>田中</t><rPh><t>タナカ</t></rPh></si>", ["タナカ", "田中"]),
        (HTML, "<p><ruby>田中<rt>tanaka</rt></ruby>さん</p>", ["tanaka", "田中さん"]),
        (HTML, "<p><ruby>田<rp>(</rp><rt>ta<rp>)</rp>中</ruby>さん", ["田中さん", "(", "ta", ")"]),
    ],
)  # fmt: skip
def test_what_stands_beside_a_text_is_a_text_of_its_own(dialect, markup, texts):
    found = [one.text for one in markup_segments(markup, dialect)[0] if one.text.strip()]
    assert sorted(found) == sorted(texts)


def test_descriptions_of_pictures_in_rtf():
    rtf = (
        r"{\rtf1 {\pict{\*\picprop{\sp{\sn wzDescription}{\sv Bob}}{\sp{\sn fFlip}{\sv 0}}}\pngblip 8950}"
        r"{\*\shppict{\sp{\sn gtextUNICODE}{\sv Ann}}}end}"
    )
    segments = [(one.text, one.searched) for one in rtf_segments(rtf)[0] if one.text.strip()]
    assert ("Bob", True) in segments
    assert ("Ann", True) in segments
    assert ("0", False) in segments


def test_the_number_of_a_footnote_does_not_hide_a_name():
    names = NameList(["Smith", "Mary Jones", "Area 51"])
    text = "Smith1 and 12Mary Jones3, Area 51 or Area51, Smithson, Smith²"
    found = {text[start:end] for start, end in names.find(fold_text(text))}
    assert found == {"Smith", "Mary Jones", "Area 51", "Area51"}
    assert len(list(names.find(fold_text(text)))) == 5
