"""Keys that somebody forged are refused with a sentence, and names in them stay names."""

import json
from random import Random

import pytest

from ner_documents.redaction import FormatError, Key, KeyProblem, Redactor, redact_file, restore_file
from tests.attacks.documents import recognize
from tests.attacks.keys import FORGED, forged


@pytest.mark.parametrize("called", FORGED)
def test_a_forged_key_is_refused_or_restores(called, tmp_path):
    outcomes = {forged(FORGED[called])(Random(number), tmp_path) for number in range(25)}
    assert outcomes <= {"refused", "restored"}
    assert called == "values of other types" or "refused" in outcomes or called.startswith("names")


@pytest.fixture
def key():
    """A key as JSON values."""
    result = redact_file("a.txt", "Mary Jones met Bob. 漢".encode(), recognize, Redactor())
    made = Key()
    made.add(result.document)
    return json.loads(made.to_json())


def test_what_is_wrong_is_said(key):
    key["documents"][0]["parts"] = {"": [[5, 2, "x"]]}
    with pytest.raises(
        KeyProblem, match=r"k\.key: is not a .* key, or is damaged \(ValueError: edits are not in order"
    ):
        Key.from_json(json.dumps(key), "k.key")


def test_a_translation_in_an_encoding_without_the_letters_of_a_name_is_told(key):
    key["documents"][0]["placeholders"] = [["PER_1", "漢字"]]
    restored = Key.from_json(json.dumps(key), "k.key")
    with pytest.raises(FormatError, match="is in cp1252, which has no '漢'; save it as UTF-8"):
        restore_file("b.txt", "PER_1 à la café".encode("cp1252"), restored)


def test_names_with_characters_that_xml_has_not_leave_a_page_whole(key):
    key["documents"][0]["placeholders"] = [["PER_1", "x\0\x01</p>y"]]
    restored, _ = restore_file("b.html", b"<p>PER_1</p>", Key.from_json(json.dumps(key), "k.key"))
    assert restored == "<p>x\ufffd\ufffd&lt;/p&gt;y</p>".encode()


def test_a_file_that_got_the_suffix_of_another_format_is_restored_by_its_content(tmp_path):
    from tests.attacks.keys import redacted

    content, key = redacted("a.docx")
    read = Key.from_json(key, "k.key")
    assert restore_file("a.txt", content, read) == restore_file("a.docx", content, read)
