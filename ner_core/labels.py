"""Tag schemes (IO, IOB1, IOB2, BIOES), spans of tags, and the colours of labels.

Chunks follow conlleval and seqeval's default mode: an invalid tag (an ``I-PER`` after ``O``) begins a chunk
instead of being dropped. BILOU is BIOES with other letters: ``L`` is read as ``E``, ``U`` as ``S``.

References
----------
.. [1] https://www.cnts.ua.ac.be/conll2000/chunking/conlleval.txt
.. [2] https://github.com/chakki-works/seqeval
"""

from __future__ import annotations

import colorsys
import re
from typing import TYPE_CHECKING

from ner_core.arguments import checked_strings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

__all__ = [
    "SCHEMES",
    "checked_labels_wanted",
    "color",
    "colors",
    "entity_types",
    "has_letter",
    "is_letter",
    "named_spans",
    "normalize_label",
    "notations",
    "parse_tags",
    "prefixed",
    "spans",
    "split_tag",
    "tag_scheme",
    "tags_of",
    "type_of",
    "written",
]

SCHEMES = ("IO", "IOB1", "IOB2", "BIOES")

_NUMBERED = re.compile(r"LABEL_\d+")
_SPECIAL = re.compile(r"\[(?:CLS|SEP|PAD|UNK|MASK)\]|<(?:s|/s|pad|unk)>")
_PREFIXES = {"B": "B", "I": "I", "E": "E", "S": "S", "L": "E", "U": "S"}
_LOWER = re.compile(r"o$|[bieslumw](?=[-_])")
# BMES and BMEWO use other letters than BIOES for the middle and for single words.
_SAME_PREFIX = {"M": "I", "W": "S"}

_ALIASES = {
    "MIS": "MISC",
    "MISCELLANEOUS": "MISC",
    "PERSON": "PER",
    "LOCATION": "LOC",
    "ORGANIZATION": "ORG",
    "ORGANISATION": "ORG",
}

# Paul Tol's "light" scheme: colour-blind safe, made for fills below black text
# (https://personal.sron.nl/~pault/).
_COLORS = {"PER": "#99ddff", "LOC": "#44bb99", "ORG": "#ee8866", "MISC": "#eedd88"}


def split_tag(tag: str) -> tuple[str, str]:
    """Split a tag into its prefix and its entity type.

    Parameters
    ----------
    tag : str
        Such as ``B-PER``, ``PER`` or ``O``.

    Returns
    -------
    tuple of str
        Prefix (``B``, ``I``, ``E``, ``S`` or ``O``) and type. A tag without a prefix counts as ``I``, as in
        transformers. ``B-O``, an error in some corpora, is read as ``O``.

    Examples
    --------
    >>> split_tag("B-PER"), split_tag("U-PER"), split_tag("PER"), split_tag("O")
    (('B', 'PER'), ('S', 'PER'), ('I', 'PER'), ('O', ''))
    """
    if tag == "O":
        return "O", ""
    prefix, dash, kind = tag.partition("-")
    if dash and kind and prefix in _PREFIXES:
        return ("O", "") if kind == "O" else (_PREFIXES[prefix], kind)
    return "I", tag


def type_of(label: str) -> str:
    """Return the entity type of an entity's label, which under aggregation ``none`` is a tag.

    Examples
    --------
    >>> type_of("B-PER"), type_of("PER")
    ('PER', 'PER')
    """
    return label[2:] if label.startswith(("B-", "I-")) else label


def tag_scheme(tags: Sequence[str]) -> str:
    """Name the tag scheme of a label set.

    IOB1 and IOB2 use the same letters. If one type has only ``I-`` while others have ``B-``, the scheme is
    IOB1 (in IOB2 every entity begins with ``B-``); otherwise IOB2 is assumed.

    Parameters
    ----------
    tags : sequence of str
        The label set of a model, or all tags of a corpus.

    Returns
    -------
    str
        ``IO``, ``IOB1``, ``IOB2`` or ``BIOES``.

    Examples
    --------
    >>> tag_scheme(["O", "B-PER", "I-PER"]), tag_scheme(["O", "PER"]), tag_scheme(["O", "S-PER", "B-PER"])
    ('IOB2', 'IO', 'BIOES')
    >>> tag_scheme(["O", "B-LOC", "I-LOC", "I-PER"])
    'IOB1'
    """
    letters: dict[str, set[str]] = {}
    for tag in set(tags):
        prefix, dash, kind = tag.partition("-")
        if dash and kind and prefix in _PREFIXES:
            letters.setdefault(kind, set()).add(_PREFIXES[prefix])
    # A single E- or S- may be part of a type's name (E-MAIL), so a type needs two prefixes to show BIOES.
    if any(len(found) > 1 and found & {"E", "S"} for found in letters.values()):
        return "BIOES"
    if not any("B" in found for found in letters.values()):
        return "IO"
    return "IOB1" if any("I" in found and "B" not in found for found in letters.values()) else "IOB2"


def parse_tags(tags: Sequence[str], scheme: str | None = None) -> list[tuple[str, str]]:
    """Split every tag of a label set; ``E-`` and ``S-`` are prefixes only in BIOES.

    Parameters
    ----------
    tags : sequence of str
        The label set.
    scheme : str, optional
        One of `SCHEMES`; found by `tag_scheme` when not given.

    Returns
    -------
    list of tuple of str
        (prefix, type) of each tag.

    Examples
    --------
    >>> parse_tags(["O", "B-PER", "E-MAIL"])
    [('O', ''), ('B', 'PER'), ('I', 'E-MAIL')]

    In a set of numbered labels, the first stands for ``O``.

    >>> parse_tags(["LABEL_0", "LABEL_1"])
    [('O', ''), ('I', 'LABEL_1')]

    Labels for padding and the like are no entity types.

    >>> parse_tags(["O", "B-PER", "X", "[CLS]", "[SEP]"])
    [('O', ''), ('B', 'PER'), ('O', ''), ('O', ''), ('O', '')]
    """
    scheme = scheme or tag_scheme(tags)
    outside = _outside(tags)
    parsed = [
        split_tag(tag) if scheme == "BIOES" or tag == "O" or tag.startswith(("B-", "I-")) else ("I", tag)
        for tag in tags
    ]
    return [("O", "") if tag in outside else split for tag, split in zip(tags, parsed, strict=True)]


def prefixed(tags: Sequence[str]) -> list[str]:
    """Write the tags of a label set like ``B-PER``; a set that does not look like tags stays as it is.

    Parameters
    ----------
    tags : sequence of str
        The label set of a model, such as ``B_PER``, ``PER-B`` or ``M-PER`` (BMES) beside ``O``.

    Returns
    -------
    list of str
        In the same order.

    Examples
    --------
    >>> prefixed(["O", "PER-B", "PER-I"]), prefixed(["O", "B_PER", "M_PER", "E_PER", "S_PER"])
    (['O', 'B-PER', 'I-PER'], ['O', 'B-PER', 'I-PER', 'E-PER', 'S-PER'])
    >>> prefixed(["o", "b-per", "i-per"]), prefixed(["O", "B_CELL", "T_CELL"])
    (['O', 'B-per', 'I-per'], ['O', 'B_CELL', 'T_CELL'])
    """
    if "O" not in tags and "o" in tags:
        tags = [_LOWER.sub(lambda match: match[0].upper(), tag) for tag in tags]
    for notation in notations("[-_]"):
        found = [notation.fullmatch(tag) for tag in tags if tag != "O"]
        matches = [match for match in found if match]
        begun = {match["kind"] for match in matches if match["prefix"] == "B"}
        goes_on = {match["kind"] for match in matches if match["prefix"] != "B"}
        if len(matches) == len(found) and begun & goes_on:
            names = map(written, matches)
            same = [tag if tag == "O" else next(names) for tag in tags]
            return same if len(set(same)) == len(set(tags)) else list(tags)
    return list(tags)


def notations(between: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return the patterns of tags with the prefix before the type, and after it; `between` stands between."""
    prefix, kind = "(?P<prefix>[BIESLUMW])", r"(?P<kind>\S.*)"
    return re.compile(prefix + between + kind), re.compile(kind + between + prefix)


def written(match: re.Match[str]) -> str:
    """Write a tag that matches one of `notations` like ``B-PER``.

    >>> [written(notation.match(tag)) for notation, tag in zip(notations("[-_]"), ("M_PER", "PER-B"))]
    ['I-PER', 'B-PER']
    """
    return f"{_SAME_PREFIX.get(match['prefix'], match['prefix'])}-{match['kind']}"


def _outside(tags: Sequence[str]) -> set[str]:
    """Return the labels for tokens outside of entities.

    These are ``O``, or the lowest of numbered labels, and those that some recipes give to special tokens:
    ``[CLS]``, ``[SEP]``, ``[PAD]``, and beside them ``X`` for all pieces of a word but the first.
    """
    if all(map(_NUMBERED.fullmatch, tags)):
        return {min(tags, key=lambda tag: int(tag.rpartition("_")[2]), default="O")}
    special = set(filter(_SPECIAL.fullmatch, tags))
    return {"O", *special, "X"} if special else {"O"}


def entity_types(tags: Sequence[str]) -> list[str]:
    """List the entity types of a label set in order of first appearance, without ``O``.

    Examples
    --------
    >>> entity_types(["O", "B-PER", "I-PER", "B-LOC", "I-LOC"])
    ['PER', 'LOC']
    """
    return list(dict.fromkeys(kind for prefix, kind in parse_tags(tags) if prefix != "O"))


def normalize_label(label: str) -> str:
    """Return the common name of a label, for comparisons and colours; results keep the model's own names.

    Examples
    --------
    >>> normalize_label("MIS"), normalize_label("Person"), normalize_label("DATE")
    ('MISC', 'PER', 'DATE')
    """
    return _ALIASES.get(label.upper(), label)


def checked_labels_wanted(wanted: Collection[str], known: Sequence[str]) -> list[str]:
    """Return the wanted entity types under the model's names, or raise if it does not have one of them.

    Raises
    ------
    TypeError
        If they are not a collection of strings.
    ValueError
        If the model has no such type, not even under another common name.

    Examples
    --------
    >>> checked_labels_wanted(["PER", "MIS"], ["PER", "MISC"])
    ['PER', 'MISC']
    >>> checked_labels_wanted(["per"], ["PER", "MISC"])
    Traceback (most recent call last):
    ValueError: There is no label 'per'; there are PER, MISC.
    """
    asked = checked_strings("labels", wanted, "['PER', 'LOC']")
    names = {normalize_label(label): label for label in asked}
    found = [label for label in known if normalize_label(label) in names]
    if unknown := names.keys() - set(map(normalize_label, found)):
        msg = f"There is no label {names[min(unknown)]!r}; there are {', '.join(known)}."
        raise ValueError(msg)
    return found


def spans(tags: Sequence[str]) -> list[tuple[str, int, int]]:
    """Find the chunks of a tag sequence, as in conlleval and seqeval's default mode.

    Parameters
    ----------
    tags : sequence of str
        One tag a word, in any of the schemes.

    Returns
    -------
    list of (str, int, int)
        Type, start and end (exclusive), in words.

    Examples
    --------
    >>> spans(["B-PER", "I-PER", "O", "I-LOC", "B-LOC"])
    [('PER', 0, 2), ('LOC', 3, 4), ('LOC', 4, 5)]
    """
    found: list[tuple[str, int, int]] = []
    previous, kind, start = "O", "", 0
    for index, tag in enumerate(tags):
        prefix, current = split_tag(tag)
        if previous in "BI" and prefix in "IE" and current == kind:
            previous = prefix
            continue
        if previous != "O":
            found.append((kind, start, index))
        previous, kind, start = prefix, current, index
    if previous != "O":
        found.append((kind, start, len(tags)))
    return found


def has_letter(text: str) -> bool:
    """Return whether there is a letter or digit in a text.

    Examples
    --------
    >>> has_letter("@anna"), has_letter("@")
    (True, False)
    """
    return any(map(is_letter, text))


def is_letter(character: str) -> bool:
    """Return whether a character is a letter or digit, or a circled letter, which Python counts as a sign."""
    return character.isalnum() or "\u24b6" <= character <= "\u24e9"


def named_spans(found: Iterable[tuple[str, int, int]], words: Sequence[str]) -> list[tuple[str, int, int]]:
    """Take a lone ``@``, the sign of user names, out of spans, and leave out spans without a letter or digit.

    Corpora of tweets have the sign within a name (``@ anna``), as a name of its own, between the names of a
    single span (``anna @ bob``) or outside.

    Parameters
    ----------
    found : iterable of (str, int, int)
        Type, start and end (exclusive), in words.
    words : sequence of str

    Returns
    -------
    list of (str, int, int)
        Spans with the sign inside are divided there.

    Examples
    --------
    >>> named_spans([("PER", 0, 1), ("PER", 1, 4)], ["@", "anna", "@", "bob"])
    [('PER', 1, 2), ('PER', 3, 4)]
    """
    parts = []
    for kind, start, end in found:
        signs = [place for place in range(start, end) if words[place] == "@"]
        for begin, stop in zip([start, *(sign + 1 for sign in signs)], [*signs, end], strict=True):
            if any(map(has_letter, words[begin:stop])):
                parts.append((kind, begin, stop))
    return parts


def tags_of(spans: Iterable[tuple[str, int, int]], length: int, scheme: str = "IOB2") -> list[str]:
    """Write spans as tags.

    Parameters
    ----------
    spans : iterable of (str, int, int)
        Type, start and end (exclusive), in words; not overlapping.
    length : int
        Number of words.
    scheme : str
        One of `SCHEMES`. In ``IO``, adjacent spans of one type merge.

    Returns
    -------
    list of str
        One tag a word.

    Raises
    ------
    ValueError
        If the scheme is unknown, or spans overlap or leave the sentence.

    Examples
    --------
    >>> tags_of([("PER", 0, 2), ("LOC", 3, 4)], 5)
    ['B-PER', 'I-PER', 'O', 'B-LOC', 'O']
    >>> tags_of([("PER", 0, 2), ("LOC", 3, 4)], 5, scheme="BIOES")
    ['B-PER', 'E-PER', 'O', 'S-LOC', 'O']
    """
    if scheme not in SCHEMES:
        msg = f"Unknown tag scheme {scheme!r}: expected one of {', '.join(SCHEMES)}."
        raise ValueError(msg)
    tags = ["O"] * length
    previous_kind, previous_end = "", 0
    for kind, start, end in sorted(spans, key=lambda span: span[1]):
        if not previous_end <= start < end <= length:
            msg = f"Span {kind} {start}:{end} overlaps another one, is empty, or leaves the {length} words."
            raise ValueError(msg)
        tags[start:end] = [f"I-{kind}"] * (end - start)
        touches = start > 0 and start == previous_end and kind == previous_kind
        if scheme in ("IOB2", "BIOES") or (scheme == "IOB1" and touches):
            tags[start] = f"B-{kind}"
        if scheme == "BIOES":
            tags[end - 1] = f"E-{kind}" if end - start > 1 else f"S-{kind}"
        previous_kind, previous_end = kind, end
    return tags


def color(label: str) -> str:
    """Return the colour of an entity type by itself, as ``#rrggbb``: a light fill for black text.

    Examples
    --------
    >>> color("PER"), color("PERSON"), color("MIS") == color("MISC")
    ('#99ddff', '#99ddff', True)
    """
    return colors([label])[label]


def colors(labels: Iterable[str]) -> dict[str, str]:
    """Return a colour for each label of a set, a different one for each entity type.

    The well-known types have fixed colours; the others advance around the colour wheel by the golden
    angle, so that neighbours in the list differ clearly. All are light enough for black text.

    Examples
    --------
    >>> colors(["PER", "CITY", "ZIP_CODE"])
    {'PER': '#99ddff', 'CITY': '#da8672', 'ZIP_CODE': '#c8f3dd'}
    """
    chosen: dict[str, str] = {}
    found: dict[str, str] = {}
    for label in labels:
        name = normalize_label(type_of(label))
        if name not in chosen:
            chosen[name] = _COLORS.get(name) or next(
                fill for fill in map(_fill, range(len(chosen), 10_000)) if fill not in chosen.values()
            )
        found[label] = chosen[name]
    return found


def _fill(number: int) -> str:
    """Return the colour of a number: hues by the golden angle, in three pairs of lightness and saturation."""
    hue = (number * 0.381966 + 0.65) % 1.0
    lightness, saturation = ((0.77, 0.85), (0.65, 0.58), (0.87, 0.65))[number % 3]
    red, green, blue = (round(255 * part) for part in colorsys.hls_to_rgb(hue, lightness, saturation))
    return f"#{red:02x}{green:02x}{blue:02x}"
