"""Keys of redactions that somebody forged, given with a file that is theirs or is not."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

from ner_documents.redaction import FormatError, Key, KeyProblem, Redactor, redact_file, restore_file
from tests.attacks.attack import Kind, sentence
from tests.attacks.documents import files, recognize

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from random import Random

NAMES = ("a.txt", "a.html", "a.csv", "a.docx", "a.xlsx", "a.rtf", "a.eml")
WILD = (
    -1,
    10**9,
    10**400,
    0.5,
    True,
    None,
    "",
    "x",
    "\ud800",
    "x\0\1y",
    "</w:t><script>",
    [],
    {},
    [[0, 1]],
    "é" * 5000,
)


@functools.cache
def redacted(name: str) -> tuple[bytes, str]:
    """A redacted file and its key."""
    result = redact_file(name, files()[name], recognize, Redactor())
    key = Key()
    key.add(result.document)
    return result.content, key.to_json()


def everywhere(plain: Any, chance: Random) -> None:
    """Some value, anywhere, is another one."""
    holder, at = chance.choice(places(plain))
    holder[at] = chance.choice(WILD)


def places(plain: Any) -> list[tuple[Any, Any]]:
    found = []
    for at in list(plain) if isinstance(plain, dict) else range(len(plain)):
        found.append((plain, at))
        if isinstance(plain[at], (dict, list)):
            found += places(plain[at])
    return found


def encoding(plain: Any, chance: Random) -> None:
    names = (
        "zlib",
        "hex",
        "rot13",
        "undefined",
        "punycode",
        "../x",
        "utf-16",
        "x" * 10**5,
        "utf-8\0",
        "utf-8+mark",
        "",
    )
    plain["documents"][0]["encoding"] = chance.choice(names)


def edits(plain: Any, chance: Random) -> None:
    places = [0, 1, 5, 9, 10**9, -5, 10**400]
    found = [
        [chance.choice(places), chance.choice(places), chance.choice(("", "x", "\ud800"))] for _ in range(3)
    ]
    parts = plain["documents"][0]["parts"]
    parts[chance.choice(list(parts))] = found


def parts(plain: Any, chance: Random) -> None:
    name = chance.choice(("../../evil", "word/none.xml", "[Content_Types].xml", "/etc/passwd", "", "\0"))
    plain["documents"][0]["parts"][name] = chance.choice(([], [[0, 0, "x"]], [[0, 1, "<!DOCTYPE x>"]]))


def no_parts(plain: Any, chance: Random) -> None:
    plain["documents"][0]["parts"] = {}


def placeholders(plain: Any, chance: Random) -> None:
    texts = ("x\0\1\ud800y", "</p><script>", "a@b\r\nBcc: evil@x", "漢", "\x1b[31m", 5, None)
    plain["documents"][0]["placeholders"] = [["PER_1", chance.choice(texts)]]
    plain["documents"][0]["redacted"] = "0"  # the file was changed since


def identities(plain: Any, chance: Random) -> None:
    one = {"label": "PER", "number": 1, "name": "Mary", "forms": [["Mary", "PER", "", ""]]}
    one[chance.choice(list(one))] = chance.choice(WILD)
    plain["identities"] = [one]


def of_another(plain: Any, chance: Random) -> None:
    """The file is said to be of another format."""
    document = plain["documents"][0]
    other = json.loads(redacted(chance.choice(NAMES))[1])["documents"][0]
    plain["documents"][0] = other | {"redacted": document["redacted"]}


FORGED: dict[str, Callable[[Any, Random], None]] = {
    "values of other types": everywhere,
    "encodings that are none": encoding,
    "edits that are nowhere": edits,
    "parts that lead outside": parts,
    "no parts": no_parts,
    "names that are markup or no text": placeholders,
    "identities that are none": identities,
    "the way back of another file": of_another,
}


def forged(change: Callable[[Any, Random], None]):
    def attempt(chance: Random, folder: Path) -> str:
        name = chance.choice(NAMES)
        content, key = redacted(name)
        plain = json.loads(key)
        change(plain, chance)
        try:
            back, _ = restore_file(name, content, Key.from_json(json.dumps(plain), "key"))
        except (KeyProblem, FormatError) as error:
            return sentence(error)
        assert isinstance(back, bytes)
        return "restored"

    return attempt


def kinds() -> list[Kind]:
    return [Kind("key file", called, forged(change)) for called, change in FORGED.items()]
