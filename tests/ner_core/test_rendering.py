"""Everything that is written about a recognition can be read back, and cannot do harm."""

import csv
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner_core.corpus import read_conll
from ner_core.entity import Entity, Recognition
from ner_core.labels import colors, spans
from ner_core.rendering import (
    CSV_COLUMNS,
    guarded,
    segments,
    to_conll,
    to_csv,
    to_html,
    to_inline,
    to_jsonl,
    to_terminal,
)

NASTY = (
    "<script>alert('x')</script> & \"quoted\" \x1b[31m\r\n\x00\u202e\u2028é e\u0301 👩‍👩‍👧 =1+1 \ud800 東京"
)
LABELS = ["PER", "LOC", "ORG", "MISC", "DATE", "</style><script>", 'a"b', "creative-work"]
TEXTS = st.one_of(st.text(max_size=30), st.text("aB <>&\"'\n\r\t=+-@,;.\x1b\u0301\ud800", max_size=30))


def recognition(text, *marks):
    """Mark the first occurrence of each (slice, label)."""
    found = []
    for part, label in marks:
        start = text.index(part)
        found.append(Entity(start, start + len(part), label, 0.5, part))
    return Recognition(text, tuple(found))


@st.composite
def recognitions(draw, texts=TEXTS):
    text = draw(texts)
    borders = sorted(draw(st.sets(st.integers(0, len(text)), max_size=6)))
    pairs = list(zip(borders[::2], borders[1::2], strict=False))
    entities = [
        Entity(start, end, draw(st.sampled_from(LABELS)), draw(st.floats(0, 1)), text[start:end])
        for start, end in pairs
    ]
    return Recognition(text, tuple(entities), model="m<", device="CPU", precision="FP32")


MARY = recognition("Mary lives in Santa Clara.", ("Mary", "PER"), ("Santa Clara", "LOC"))


@given(recognitions())
def test_segments_join_to_the_text(found):
    parts = segments(found)
    assert "".join(text for text, _ in parts) == found.text
    assert all(text for text, _ in parts)
    assert [part for part in parts if part[1]] == [(e.text, e.label) for e in found.entities]


class Page(HTMLParser):
    """Collects tags, the text of each text block, the marks in it, and the style sheet."""

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.tags, self.blocks, self.marks, self.styles, self.title = [], [], [], "", ""
        self.open = []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta", "!doctype"):
            self.open.append((tag, dict(attributes)))
        if self.inside("div") and tag == "div":
            self.blocks.append("")
        if tag == "mark" and self.inside("div"):
            self.marks.append((dict(attributes), ""))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        if self.inside("div"):
            self.blocks[-1] += data
        if self.inside("div") and self.inside("mark"):
            self.marks[-1] = (self.marks[-1][0], self.marks[-1][1] + data)
        if self.inside("style"):
            self.styles += data
        if self.inside("title"):
            self.title += data

    def inside(self, tag):
        return any(name == tag for name, _ in self.open)


def in_html(text):
    return re.sub("[\ud800-\udfff\0]", "\ufffd", text)


@given(st.lists(recognitions(), max_size=3), TEXTS)
def test_html_holds_the_texts_and_nothing_runs(found, title):
    source = to_html(found, title=title)
    source.encode("utf-8")
    page = Page(source)
    assert page.blocks == [in_html(one.text) for one in found]
    assert [text for _, text in page.marks] == [in_html(e.text) for one in found for e in one.entities]
    assert [marks["data-label"] for marks, _ in page.marks] == [
        e.label for one in found for e in one.entities
    ]
    assert page.title == in_html(title)
    allowed = {
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "h1",
        "ul",
        "li",
        "main",
        "section",
        "div",
        "mark",
        "p",
    }
    assert {tag for tag, _ in page.tags} <= allowed
    names = {name for _, attributes in page.tags for name in attributes}
    assert not {name for name in names if name.startswith("on") or name in ("src", "href", "style")}


def test_html_tells_label_and_score_in_the_tooltip():
    attributes, text = Page(to_html(MARY)).marks[0]
    assert (attributes["title"], text) == ("PER 0.500", "Mary")


def luminance(rgb):
    channels = [int(rgb[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    """WCAG 2.2, contrast ratio."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_html_is_legible_in_light_and_dark():
    found = [
        recognition(f"x{i}", (f"x{i}", label)) for i, label in enumerate([*LABELS, "TIME", "GPE", "product"])
    ]
    styles = Page(to_html(found)).styles
    themes = re.findall(r"--page: (#\w{6}); --ink: (#\w{6}); --quiet: (#\w{6})", styles)
    assert len(themes) == 2
    for page, ink, quiet in themes:
        assert contrast(page, ink) >= 4.5
        assert contrast(page, quiet) >= 4.5
    fills = re.findall(r"\.label\d+ { background: (#\w{6}); }", styles)
    assert len(fills) == len(found)
    assert all(contrast(fill, "#000000") >= 4.5 for fill in fills)
    assert "prefers-color-scheme: dark" in styles


def test_html_keeps_carriage_returns():
    """Browsers turn a raw one into a line feed; Python's parser does not, so the property cannot see it."""
    assert "a&#13;\nb" in to_html(Recognition("a\r\nb", ()))


def test_documents_are_named():
    found = [MARY, MARY]
    assert "<h2>a&amp;b.txt</h2>" in to_html(found, names=["a&b.txt", "c.txt"])
    rows = list(csv.DictReader(io.StringIO(to_csv(found, names=["=a", "c.txt"]), newline="")))
    assert [row["document"] for row in rows] == ["'=a", "'=a", "c.txt", "c.txt"]
    assert {row["document"] for row in csv.DictReader(io.StringIO(to_csv(found), newline=""))} == {"0", "1"}


def test_html_without_entities():
    page = Page(to_html(Recognition("plain", ())))
    assert (page.blocks, page.marks) == (["plain"], [])


ANSI = re.compile("\x1b\\[[0-9;]*m")


@given(recognitions(), st.booleans())
def test_terminal_gets_no_control_characters_of_the_text(found, colors):
    written = to_terminal(found, colors=colors)
    written.encode("utf-8")
    bare = ANSI.sub("", written) if colors else written
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", bare)


def test_terminal_escapes_are_readable():
    assert (
        to_terminal(Recognition("a\x1b[2J\u202eb\ud800\rd\r\n\tc\r\n", ()), colors=False)
        == "a\\x1b[2J\\u202eb\\ud800\\rd\n\tc"
    )


def test_terminal_colours_can_be_taken_off():
    plain = to_terminal(MARY, colors=False)
    assert to_terminal(replace(MARY, text=f"{MARY.text}\n"), colors=False) == plain
    assert plain.splitlines()[0] == "[Mary PER] lives in [Santa Clara LOC]."
    assert plain.splitlines()[2:] == ["Mary         PER  0.500", "Santa Clara  LOC  0.500"]
    coloured = to_terminal(MARY)
    assert ANSI.sub("", coloured).splitlines()[0] == "Mary PER lives in Santa Clara LOC."
    assert coloured.count("\x1b[0m") == 2


def test_terminal_colours_end_with_each_line():
    coloured = to_terminal(recognition("New\nYork", ("New\nYork", "LOC")))
    assert [line.count("\x1b[0m") for line in coloured.splitlines()[:2]] == [1, 1]


def test_terminal_table_counts_wide_characters():
    found = recognition("東京 met José", ("東京", "LOC"), ("José", "PER"))
    assert to_terminal(found, colors=False).splitlines()[2:] == ["東京  LOC  0.500", "José  PER  0.500"]


def read_back(written, tmp_path):
    file = tmp_path / "a.conll"
    file.write_text(written, encoding="utf-8", newline="")
    return [(sentence.words, spans(sentence.tags)) for sentence in read_conll(file)]


def test_conll_of_words(tmp_path):
    words = ("Mary", "in", "New York", ".", "", "a\tb")
    text = " ".join(words)
    found = Recognition(text, (Entity(8, 16, "LOC", 1.0, "New York", 2, 3),), words=words)
    assert read_back(to_conll(found), tmp_path) == [
        (["Mary", "in", "New York", ".", "_", "a b"], [("LOC", 2, 3)])
    ]


def test_conll_of_text_splits_at_entities_and_lines(tmp_path):
    found = recognition(
        "Anti-NATO talks\n\nin New\nYork: e\u0301te\u0301", ("NATO", "ORG"), ("New\nYork", "LOC")
    )
    assert read_back(to_conll(found), tmp_path) == [
        (["Anti", "-", "NATO", "talks"], [("ORG", 2, 3)]),
        (["in", "New", "York", ":", "e\u0301te\u0301"], [("LOC", 1, 3)]),
    ]


def test_conll_keeps_what_is_one_character_to_people(tmp_path):
    words = ["Zoe\u0308", "❤\ufe0f", "👩\u200d👧", "!", "می\u200cخواهم", "a\u200d", "b"]
    found = recognition(" ".join(words).replace(" !", "!"), ("Zoe\u0308", "PER"))
    assert read_back(to_conll(found), tmp_path)[0] == (words, [("PER", 0, 1)])


def test_conll_neighbours_stay_apart():
    found = Recognition("ab", (Entity(0, 1, "PER", 1.0, "a"), Entity(1, 2, "PER", 1.0, "b")))
    assert to_conll(found) == "a B-PER\nb B-PER\n\n"


def test_raw_tags_are_not_tagged_again():
    found = recognition("Mary Ann", ("Mary", "B-PER"), ("Ann", "I-PER"))
    assert to_conll(found) == "Mary B-PER\nAnn I-PER\n\n"
    assert to_inline(found) == "Mary[B-PER] Ann[I-PER]"


@given(st.lists(recognitions(), max_size=3))
def test_conll_has_every_visible_character_and_entity(tmp_path_factory, found):
    back = read_back(to_conll(found), tmp_path_factory.mktemp("conll"))
    written = "".join("".join(words) for words, _ in back)
    expected = "".join(
        character for one in found for character in in_html(one.text) if not character.isspace()
    )
    assert re.sub(r"\s", "", written).replace("\0", "\ufffd") == expected
    labels = [kind for _, chunks in back for kind, _, _ in chunks]
    assert labels == [e.label for one in found for e in one.entities if e.text.strip()]


def without_surrogate_pairs(found):
    return not any(re.search("[\ud800-\udbff][\udc00-\udfff]", one.text) for one in found)


@given(st.lists(recognitions(), max_size=3).filter(without_surrogate_pairs))
def test_json_lines_are_read_back(found):
    written = to_jsonl(found)
    written.encode("utf-8")
    assert [json.loads(line) for line in written.split("\n")[:-1]] == [one.to_dict() for one in found]


def without_guard(cell):
    return cell[1:] if cell.startswith("'") and guarded(cell[1:]) == cell else cell


@given(st.lists(recognitions(), max_size=3), st.booleans())
def test_csv_is_read_back(found, escape):
    written = to_csv(found, escape_formulas=escape)
    written.encode("utf-8")
    header, *rows = csv.reader(io.StringIO(written, newline=""))
    assert tuple(header) == CSV_COLUMNS
    expected = [
        (n, e.start, e.end, e.label, e.score, e.text) for n, one in enumerate(found) for e in one.entities
    ]
    if escape:
        texts = [cell for row in rows for cell in (row[3], row[5])]
        assert not any(
            cell[:1] in {"\t", "\r", "\n"} or cell.lstrip()[:1] in {*"=+-@＝＋－＠"} for cell in texts
        )
        rows = [[without_guard(cell) for cell in row] for row in rows]
        expected = [(*row[:5], without_guard(row[5])) for row in expected]
    read = [(int(n), int(s), int(e), label, float(score), text) for n, s, e, label, score, text in rows]
    assert read == [(*row[:5], re.sub("[\ud800-\udfff]", "\ufffd", row[5])) for row in expected]


@pytest.mark.parametrize("text", ['=HYPERLINK("http://example.org")', "+1", "-1", "@user", "\tx"])
def test_csv_cells_are_no_formulas(text):
    found = Recognition(text, (Entity(0, len(text), "PER", 1.0, text),))
    assert next(csv.DictReader(io.StringIO(to_csv(found), newline="")))["text"] == "'" + text
    exact = to_csv(found, escape_formulas=False)
    assert next(csv.DictReader(io.StringIO(exact, newline="")))["text"] == text


@pytest.mark.parametrize(
    ("text", "marks", "expected"),
    [
        # The two sentences of NeMo's documentation.
        (
            "we bought four shirts from the nvidia gear store in santa clara.",
            [("nvidia", "ORG"), ("santa clara", "LOC")],
            "we bought four shirts from the nvidia[B-ORG] gear store in santa[B-LOC] clara[I-LOC].",
        ),
        ("Nvidia is a company.", [("Nvidia", "ORG")], "Nvidia[B-ORG] is a company."),
        ("in 2019", [("2019", "TIME")], "in 2019[B-TIME]"),
        ("Mary's  dog\n", [("Mary", "PER")], "Mary's[B-PER]  dog\n"),
        ("@ home", [("@", "MISC")], "@[B-MISC] home"),
        ("U.S.-Iran", [("U.S.", "LOC"), ("Iran", "LOC")], "U.S.-Iran[B-LOC]"),
        ("", [], ""),
    ],
)
def test_inline(text, marks, expected):
    assert to_inline(recognition(text, *marks)) == expected


@given(recognitions(st.text("ab .\n", max_size=30)))
def test_inline_only_adds_tags(found):
    assert re.sub(r"\[[BI]-[^\]]*\]", "", to_inline(found)) == found.text


def test_nasty_text_everywhere():
    found = Recognition(NASTY, (Entity(0, len(NASTY), "PER", 0.5, NASTY),))
    for write in (to_html, to_conll, to_csv, to_jsonl, to_terminal):
        write(found).encode("utf-8")
    assert "<script" not in to_html(found)


def test_colours_are_those_of_the_labels():
    assert f"background: {colors(['PER'])['PER']};" in to_html(MARY)
