"""HTML, mail, subtitles, RTF and archives: what a reader sees, and nothing lost without a word."""

import gzip
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ner_documents.document import Document, Problem
from ner_documents.reading import SUFFIXES, ReadOptions, read
from ner_documents.reading.html import html_blocks
from ner_documents.redaction.dialects import HTML
from ner_documents.redaction.markup import markup_segments
from tests.ner_documents.packing import packed


def items(name, content, **options):
    content = content if isinstance(content, bytes) else content.encode()
    return list(read(name, ReadOptions(**options), content=content))


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("by<input value='Mary Jones'>in<input type=hidden value=x><input type=email>", "by Mary Jones in"),
        (
            "<p>The firm of Mary\n   Jones and Bob\n Smith in New\n York</p>",
            "The firm of Mary Jones and Bob Smith in New York",
        ),
        ("<details><summary>Summary Anna</summary>Details Bob</details>", "Summary Anna\nDetails Bob"),
        ("Smith<sup>1</sup> won on the 5<sup>th</sup>", "Smith 1 won on the 5th"),
        ("Smith<a href=#a><b>1</b></a> and<a href=#b><b>1</b>st</a>", "Smith 1 and1st"),
        ("Foot<a href=#a>1</a><p><sup>1</sup>Smith, <a href=#b>12</a>Bob", "Foot 1\n1 Smith, 12 Bob"),
        ("Foot<a href=#a><sup>i</sup></a>.<p><a href=#b>i</a>Anna", "Foot i.\ni Anna"),
        ("<td><comment>no</comment>Anna", "Anna"),
        ("<ruby>東<rp>(</rp><rt>とう</rt><rp>)</rp>京<rt>きょう</ruby>都", "東京都"),
        ("<p>a</p><p hidden>no</p><p style='display: none'>no</p><template>no</template>b", "a\nb"),
        ("<table><tr><td>A<td>B<tr><td>C</table>", "A\tB\nC"),
        ("<pre>a\n  b\n\nc</pre>d", "a\nb\nc\nd"),
        ("<textarea>a\nb</textarea><p style='white-space: pre-wrap'>c\nd</p>e\nf", "a\nb\nc\nd\ne f"),
        ("<span style='display:block'>a</span><b style='Display: inline-block'>b</b><b>c</b>", "a\nb c"),
        ("<div style='display:inline'>a</div><div style='display:inline'>b</div>", "a b"),
        ("a<img>b<input>c <wbr>d<dialog>no</dialog><dialog open>e</dialog>", "a b c d\ne"),
        ("<math><mi>x</mi><annotation>no</annotation></math><p style='visibility:collapse'>no", "x"),
        ("a<br>b<wbr>c d&shy;e<!-- no -->&nbsp;f", "a\nbc de\xa0f"),
        ("<title>no</title><script>no</script><ul><li>one<li>two</ul>", "one\ntwo"),
        (
            "<p>Board<svg><title>no</title><defs><text>no</text></defs><g>\n "
            "<text>Mary <a><tspan>Jones</tspan></a> left</text>"
            "<a><text>Bob<tspan x=0 dy=1em>Smith</tspan></text></a><text display=none>no</text>"
            "<foreignObject><div>Ann <b>Lee</b></div></foreignObject></g></svg><p>an <svg><path/></svg>icon",
            "Board\nMary Jones left\nBob Smith\nAnn Lee\nan icon",
        ),
    ],
)
def test_html_breaks_where_browsers_break(page, text):
    assert html_blocks(page).text == text


def test_what_a_page_hides_by_its_styles_is_left_out_and_counted():
    sheet = """.off, p.gone, #z { color: red; display : none !important } .md\\:show, .tab { display: none }
    @media (min-width: 9em) { .md\\:show { display: block } } .open .tab { display: flex }
    @media print { .screen { display: none } } .card { display: grid } .n .other { display: none }"""
    page = f"""<style>{sheet}</style><style media=print>.a {{display: none}}</style><body hidden>
    <noscript><style>.b {{display: none}}</style></noscript>Mary <b class='x off'>no</b> Lee<p class=gone>no
    <div id=z><p>no</div><p class="card off">no<p class=off style="display: block">a<p class=gone><p hidden>
    <div class="md:show">b</div><p class=tab>c<p class=screen>d<p class="a b">e<p class=other>f"""
    note, document = items("a.html", page)
    assert document.text == "Mary Lee\na\nb\nc\nd\ne\nf"
    assert note.reason == "holds 4 pieces of hidden text, not shown in the text and not read"
    assert html_blocks("<style>#all {display: none}</style><div id=all>Shown by a script").blocks


def test_names_end_at_the_same_elements_for_readers_and_for_redaction():
    blocks = """address article aside blockquote button center dd details dir div dl dt fieldset
        figcaption figure footer form h1 h6 header hgroup legend li listing main menu nav ol p pre search
        section summary textarea ul"""  # §15.3 of the HTML standard, and controls
    beside = "a abbr b cite data em font i label mark q small span strong sub u"
    for element in (*blocks.split(), *beside.split()):
        markup = f"<span>Mary</span><{element}> Jones</{element}>"
        texts = ["Mary", "Jones"] if element in blocks.split() else ["Mary Jones"]
        assert html_blocks(markup).text.split("\n") == texts, element
        assert [one.text.strip() for one in markup_segments(markup, HTML)[0]] == texts, element


def test_blocks_say_what_they_are():
    page = "<h1>T</h1><p>p<ul><li>i</ul><table><caption>c</caption><tr><td rowspan=2>1<td>2<tr><td>3</table>"
    (document,) = items("a.html", page)
    assert [(b.kind, b.row, b.column) for b in document.blocks] == [
        ("heading", None, None), ("paragraph", None, None), ("list item", None, None),
        ("caption", None, None), ("cell", 1, 1), ("cell", 1, 2), ("cell", 2, 2),
    ]  # fmt: skip
    assert [document.text[b.start : b.end] for b in document.blocks] == ["T", "p", "i", "c", "1", "2", "3"]


def test_wide_and_tall_cells_take_linear_time():
    began = time.process_time()
    [document] = items("a.html", "<table><tr>" + "<td colspan=1000 rowspan=100>x" * 500 + "<tr><td>y")
    assert document.blocks[-1].column == 500_001
    assert time.process_time() - began < 10


def test_encodings_of_pages():
    russian = "<p>Привет, Мария</p><p>Она живёт в Москве и работает в Газпроме</p>"
    assert items("a.html", ("<meta charset=windows-1251>" + russian).encode("cp1251"))[0].text.startswith(
        "Привет, Мария"
    )
    assert items("a.html", russian.encode("cp1251"), encoding="cp1251")[0].text.startswith("Привет, Мария")
    declared = "<?xml version='1.0' encoding='KOI8-R'?><html>" + russian
    assert items("a.xhtml", declared.encode("koi8_r"))[0].text.startswith("Привет, Мария")
    commented = b"<!-- <meta charset=koi8-r> --><meta charset=x-sjis>"
    assert items("a.html", commented + "東京".encode("cp932"))[0].text == "東京"
    wrong = '<meta charset="utf-8">' + russian
    note, page = items("a.html", wrong.encode("cp1251"))
    assert (page.text.split("\n")[0], note.lost) == ("Привет, Мария", False)


@pytest.mark.parametrize("markup", ["<p>", "<!--", "<td>a", "<table><tr><td>", "<a href=x>", "<b><p>"])
def test_tag_soup_is_read_in_linear_time(markup):
    began = time.process_time()
    html_blocks(markup * (40_000 if len(markup) < 6 else 4_000) + "Anna")
    assert time.process_time() - began < 20


def test_pages_that_nest_too_deeply_are_refused_in_time():
    began = time.process_time()
    (problem,) = items("a.html", "<div>a" * 100_000)
    assert "nested more than 10,000 deep" in problem.reason
    assert (
        len(items("a.html", "<div>a" * 9_000 + "</div>" * 9_000 + "<div>a</div>" * 9_000)[0].blocks) == 18_000
    )
    assert time.process_time() - began < 10


XHTML = (
    '<?xml version="1.0"?>\n<html xmlns="http://www.w3.org/1999/xhtml"><head>{}</head><body>{}</body></html>'
)


@pytest.mark.parametrize(
    "head", ["<title/>", "<script src='a.js'/>", "<style />", "<!-- <title/> --><title></title>"]
)
def test_xhtml_has_elements_without_content(head):
    body = (
        '<p><a id="p>1"/>Mary<br/>J<i/>ones</p><iframe src="x"/><textarea/><p>A<![CDATA[<b> & B]]></p><p/>Bob'
    )
    content = XHTML.format(head, body)
    assert items("a.xhtml", content)[0].text == "Mary\nJones\nA<b> & B\nBob"
    read_by_the_model = {one.text for one in markup_segments(content, HTML)[0] if one.searched}
    assert {"Mary\nJones", "A<b> & B", "Bob"} <= read_by_the_model


def test_subtitles_join_the_sentences_of_cues():
    srt = (
        "1\n00:00:01,000 --> 00:00:02,000\n<i>Mary lives\nin Santa\n\n2\n00:00:03,000 --> 00:00:04,000\n"
        "Clara.</i>\n\n3\n00:00:05,000 --> 00:00:06,000\n- Hi Bob\n\nlost words\n"
    )
    problem, document = items("a.srt", srt)
    assert document.text == "Mary lives in Santa Clara.\n- Hi Bob"
    assert problem.line == 14
    assert "lost words" in problem.reason
    vtt = "WEBVTT\n\nNOTE no\n\n00:01.000 --> 00:02.000\n<v Anna>Hello &amp; Bob.\n"
    assert items("a.vtt", vtt)[0].text == "Anna: Hello & Bob."


def test_rtf_keeps_headers_notes_and_cells_and_drops_what_is_hidden():
    rtf = (
        rb"{\rtf1\ansi\ansicpg1251{\fonttbl{\f0\fcharset204 Arial;}}{\stylesheet{\s1 heading 1;}}"
        rb"{\header Head\par}\pard\s1 Title\par\pard\plain \'cf\'f0\'e8{\v hidden}{\deleted gone}\par "
        rb"\u1055?x \u-10179?\u-8704?{\*\foo no}{\footnote Note Bob\par}\par"
        rb"\trowd\intbl A\cell B\cell\row\pard end{\footer Foot}\par}"
    )
    note, document = items("a.rtf", rtf)
    assert "hidden text" in note.reason
    assert document.text == "Head\nTitle\nПри\nПx 😀\nA\tB\nend\nNote Bob\nFoot"
    assert [b.kind for b in document.blocks][:2] == ["header", "heading"]
    shape = (
        rb"{\rtf1 {\shp{\*\shpinst{\sp{\sn gtextUNICODE}{\sv In a shape}}{\sp{\sn x}{\sv no}}}}"
        rb"Mary {\v x}sings}"
    )
    note, document = items("a.rtf", shape)
    assert (document.text, note.lost) == ("In a shape\nMary sings", False)
    assert "1 piece of hidden text" in note.reason
    listed = rb"{\rtf1 {\listtext 1.\tab}Mary\par{\listtext\tab Ann\par}{\listtext 2.\tab}Bob\par}"
    assert items("a.rtf", listed)[0].text == "Mary\nAnn\nBob"
    cut = items("a.rtf", rtf[:200])
    assert "breaks off" in cut[0].reason


def test_letters_of_rtf_that_are_written_without_escape():
    said = "Łódź – “Zoë”"
    assert items("a.rtf", f"{{\\rtf1\\ansi {said} \\u233é!\\par}}".encode())[0].text == f"{said} é!"
    fonts = rb"{\fonttbl{\f0 Arial;}{\f1\fcharset204 Arial;}}"
    assert items("a.rtf", rb"{\rtf1\ansi" + fonts + rb"{\f1\'cf\'f0\'e8}\'e9}")[0].text == "Приé"
    assert items("a.rtf", rb"{\rtf1\mac Jos\'8e}")[0].text == "José"
    assert items("a.rtf", rb"{\rtf1\pc Jos\'82}")[0].text == "José"
    cyrillic = rb"{\rtf1\ansi\ansicpg1251 " + "При".encode("cp1251") + rb"\par}"
    assert items("a.rtf", cyrillic)[0].text == "При"


def test_archives_are_read_by_their_members():
    inner = packed({"deep.txt": "Deep Anna"})
    content = packed(
        {
            "a/one.txt": "Mary",
            "two.csv": "text\nBob\n",
            "x.exe": b"MZ",
            "in.zip": inner,
            "c.txt.gz": gzip.compress(b"Zoe"),
        }
    )
    found = items("all.zip", content)
    assert [(i.where, i.text) for i in found if isinstance(i, Document)] == [
        ("all.zip/a/one.txt", "Mary"),
        ("all.zip/two.csv:2", "Bob"),
        ("all.zip/in.zip/deep.txt", "Deep Anna"),
        ("all.zip/c.txt.gz", "Zoe"),
    ]
    assert [i.where for i in found if isinstance(i, Problem)] == ["all.zip/x.exe"]


def test_bombs_are_refused_before_they_are_unpacked():
    nested = b"x"
    for _ in range(6):
        nested = packed({"x.zip": nested})
    assert "deep" in items("a.zip", nested)[0].reason
    zeros = packed({"a.txt": bytes(50_000_000)})
    assert "unpacks to" in items("a.zip", zeros)[0].reason
    word = packed({"word/document.xml": bytes(50_000_000)})
    assert "unpacks to" in items("a.docx", word)[0].reason
    squeezed = gzip.compress(bytes(3_000_000))
    assert "limit of 1,000,000" in items("a.txt.gz", squeezed, limit=1_000_000)[0].reason


@settings(max_examples=2 * settings.default.max_examples)
@given(name=st.sampled_from(["a" + suffix for suffix in SUFFIXES]), content=st.binary(max_size=300))
def test_any_bytes_give_documents_or_problems(name, content):
    found = items(name, content)
    assert all(isinstance(item, (Document, Problem)) for item in found)
    for item in found:
        assert item.source.startswith("a.")
        if isinstance(item, Document):
            assert all(0 <= b.start < b.end <= len(item.text) for b in item.blocks)


def test_links_in_links_do_not_take_quadratic_time():
    began = time.process_time()
    (document,) = read("a.html", content=b"<svg><text>" + b"<a>Mary " * 20_000)
    assert document.text.count("Mary") == 20_000
    assert time.process_time() - began < 10
