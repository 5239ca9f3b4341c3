import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner_core.characters import classes, fold, rendered


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Griﬃn of Paciﬁc", "Griffin of Pacific"),
        ("Ｍａｒｙ　Ｊｏｎｅｓ", "Mary Jones"),
        ("𝓜𝓪𝓻𝔂 𝐉𝐨𝐧𝐞𝐬 Ⓐⓝⓝⓐ ᴹᵃʳʸ", "Mary Jones Anna Mary"),
        ("Congreſs", "Congress"),
        ("> in New\n>> York > x", "  in New    York > x"),
        ("Shef\u00adfield Co\u2060op New\u200bYork", "Sheffield Coop New York"),
        ("Shef\u00ad\r\n  field Jo¬\n> nes a ¬ b", "Sheffield Jones a ¬ b"),
        ("McDonald’s “Paris” Mary´s", "McDonald's \"Paris\" Mary's"),
        ("Mary😀 Bob❤️Anna 🇫🇷Paris 👨\u200d👩 →Rome", "Mary  Bob, Anna   Paris 👨👩  Rome"),
        ("Microsoft™ Acme® 20°C ™", "Microsoft  Acme  20°C ™"),
        (
            "Frank-\nfurt, Jones-\r\nSmith, Rome-\n> based, well-\nto-do, Haus-\nund 1-\n2 -\na",
            "Frankfurt, Jones-Smith, Rome-based, well-to-do, Haus- und 1- 2 - a",
        ),
        ("no\u00a0break\u2003em\tspace\r\n", "no break em space  "),
        (
            r"S&atilde;o&nbsp;Paulo, AT&#x26;T &#39;a&rsquo;\nb\r\nB c\tC",
            "São Paulo, AT&T 'a'\\nb    B c  C",
        ),
        (
            "**Mary Jones**'s *a* __b__ ~~c~~ ***d***, `e_f` **Key:** **Mary**\nBob",
            "Mary Jones's a b c d, e_f Key: Mary Bob",
        ),
        (
            "2 * 3 * 4 a*b* *args, **kwargs @__x__ _y_ * z* **",
            "2 * 3 * 4 a*b* *args, **kwargs @__x__ _y_ * z* **",
        ),
        ("a&b; &x; &NotEqualTilde; &#9999999;", "a&b; &x; &NotEqualTilde; \ufffd"),
        (r"""{"name": "Jos\u00e9", "a":1,"b c" : 'x'}""", "{ name: José ,  a: 1, b c: x }"),
        (r'"Mary": "He said \"no\"" and "x": "y', r' Mary: "He said \"no\"" and "x": "y'),
        ("{name: 'Al', 'b':\"x\", c: d}\ne: \"y\"\nf: 'z", " name: Al ,  b: x , c: d} e: y  f: 'z"),
        ("a=Al b = 'Bob' c=5 d==e <f g=\"h\">", "a:Al b: Bob  c=5 d==e <f g: h >"),
        ("[12:03] <mary> hi\n<bob> x <y> z <3 <a@b.c> d", "[12:03] mary: hi bob: x <y> z <3 <a@b.c> d"),
        ("S%C3%A3o%20Paulo%2C 5%20 http://a.b/x%20y", "São Paulo%2C 5  http://a.b/x%20y"),
        ("Fran=C3=A7ois of Ameri=\nca=20\r\nx=20 a=\nb", "François of America  x=20 ab"),
        ("a=\nb=20\nc", "a= b=20 c"),
        ("ZÃ¼rich, JosÃ©â€™s ÐœÐ¾Ñ\x81ÐºÐ²Ð°\n«CAFÉ» ZÃ¼rich", "Zürich, José's Москва «CAFÉ» ZÃ¼rich"),
        (r"\ud83d \u00zz &Eacute;mile", r"\ud83d \u00zz Émile"),
        ("Zoë Zoe\u0308 São 東京 x² ½ 😀 …", "Zoë Zoe\u0308 São 東京 x² ½ 😀 ..."),
    ],
)
def test_folding(text, expected):
    folded, origin = fold(text)
    assert folded == expected
    if origin is not None:
        assert len(origin) == len(folded) + 1
        assert origin[-1] == len(text)
        assert (origin[1:] >= origin[:-1]).all()


@given(st.text(st.characters(exclude_categories=()), max_size=20))
def test_plain_text_is_left_alone_and_every_character_has_an_origin(text):
    folded, origin = fold(text)
    seen = rendered(text)
    if origin is None:
        assert len(folded) == len(text)
    else:
        for character, index in zip(folded, origin.tolist(), strict=False):
            assert character in unicodedata.normalize("NFKC", seen[index]) + seen[index] + "'\"- ,"
    assert fold(folded)[0] == folded or seen != text
    assert len(classes(text)) == len(text)
    assert classes(text).isascii()


@given(st.text(st.sampled_from("aB1 \"':=,{}[](<>&;\\n*_\n\t"), max_size=30))
def test_what_is_rendered_has_the_length_of_the_text(text):
    assert len(rendered(text)) == len(text)


def test_a_reference_to_the_beginning_of_a_reference_is_read_once():
    text = "&amp;lt; &amp;#38; AT&amp;T"
    assert rendered(rendered(text)) == rendered(text)
    assert fold(text)[0] == "&lt; &#38; AT&T"


@given(st.text(st.characters(categories=("L", "Nd", "Zs"), max_codepoint=0x2FF), max_size=20))
def test_letters_of_european_languages_stay(text):
    plain = unicodedata.normalize("NFKC", text)
    assert fold(plain)[0] == plain.translate({0x2BC: "'"})
