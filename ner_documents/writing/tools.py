"""Import formats of annotation tools and viewers: one function per format.

Offsets count Unicode code points, as in all of these tools; the page of Label Studio converts them to the
UTF-16 units of its JavaScript.
"""

from __future__ import annotations

import re
import zipfile
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import partial
from typing import IO, TYPE_CHECKING, Any

from ner_core.rendering import encodable, to_json
from ner_documents.sources import require

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["TOOL_FORMATS", "Marked", "marked", "write_marked"]


#: Characters that end a line or field for brat and other readers of standoff files.
_BRAT_PIECE = re.compile("[^\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Marked:
    """A text with its entities as plain values.

    Attributes
    ----------
    name : str
        Name of the document.
    text : str
        Text without lone surrogates.
    entities : sequence of dict
        As returned by :meth:`ner_core.Entity.to_dict`.
    model : str
        Name of the model, or empty.
    """

    name: str
    text: str
    entities: Sequence[dict[str, Any]]
    model: str = ""

    @property
    def spans(self) -> list[tuple[int, int, str]]:
        """Start, end and label of each entity."""
        return [(one["start"], one["end"], one["label"]) for one in self.entities]

    @property
    def labelled(self) -> list[dict[str, Any]]:
        """The same as objects."""
        return [{"start": start, "end": end, "label": label} for start, end, label in self.spans]


def _doccano(one: Marked) -> dict[str, Any]:
    """https://doccano.github.io/doccano/tutorial/#import-a-dataset (JSONL, sequence labeling)."""
    return {"text": one.text, "label": [list(span) for span in one.spans], "name": one.name}


def _prodigy(one: Marked) -> dict[str, Any]:
    """https://prodi.gy/docs/api-loaders#input (JSONL with spans)."""
    return {"text": one.text, "spans": one.labelled, "meta": {"source": one.name}}


def _displacy(one: Marked) -> dict[str, Any]:
    """https://spacy.io/api/top-level#displacy-formats ``(displacy.render(…, manual=True))``."""
    return {"text": one.text, "ents": one.labelled, "title": one.name or None}


def _highlighted(one: Marked) -> dict[str, Any]:
    """https://www.gradio.app/docs/gradio/highlightedtext (a dictionary with text and entities)."""
    entities = [
        {"entity": each["label"], "start": each["start"], "end": each["end"], "score": each["score"]}
        for each in one.entities
    ]
    return {"text": one.text, "entities": entities}


def _label_studio(one: Marked) -> dict[str, Any]:
    """https://labelstud.io/guide/predictions (for ``<Labels name="label" toName="text">``)."""
    kind = {"from_name": "label", "to_name": "text", "type": "labels"}
    spans = [{key: each[key] for key in ("start", "end", "text")} for each in one.entities]
    result = [
        {**kind, "score": each["score"], "value": {**span, "labels": [each["label"]]}}
        for each, span in zip(one.entities, spans, strict=True)
    ]
    predictions = [{"model_version": one.model or "ner-zoo", "result": result}]
    return {"data": {"text": one.text, "name": one.name}, "predictions": predictions}


def _lines(documents: Iterable[Marked], target: IO[bytes], convert: Callable[[Marked], Any]) -> None:
    for one in documents:
        target.write(f"{to_json(convert(one))}\n".encode())


def _array(documents: Iterable[Marked], target: IO[bytes], convert: Callable[[Marked], Any]) -> None:
    separator = "[\n"
    for one in documents:
        target.write(f"{separator}{to_json(convert(one))}".encode())
        separator = ",\n"
    target.write(b"\n]\n" if separator != "[\n" else b"[]\n")


def _brat(documents: Iterable[Marked], target: IO[bytes]) -> None:
    """https://brat.nlplab.org/standoff.html, a pair of files per document, in a zip archive."""
    labels: dict[str, None] = {}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, one in enumerate(documents, start=1):
            name = re.sub("[^A-Za-z0-9._-]+", "_", one.name.rpartition("/")[2])[:80]
            stem = f"{number:06d}-{name}".rstrip("-")
            lines = []
            for index, (start, end, label) in enumerate(one.spans, start=1):
                kind = re.sub("[^A-Za-z0-9_-]", "_", label)
                labels[kind] = None
                # A span must not cross a line end, so it is written in fragments.
                pieces = [
                    (start + piece.start(), start + piece.end())
                    for piece in _BRAT_PIECE.finditer(one.text[start:end])
                ]
                places = ";".join(f"{first} {last}" for first, last in pieces)
                lines.append(f"T{index}\t{kind} {places}\t{' '.join(one.text[a:b] for a, b in pieces)}\n")
            # brat reads CR LF as one character, which would shift the offsets.
            _add(archive, f"{stem}.txt", one.text.replace("\r\n", " \n").replace("\r", "\n"))
            _add(archive, f"{stem}.ann", "".join(lines))
        kinds = "".join(f"{label}\n" for label in sorted(labels))
        _add(archive, "annotation.conf", f"[entities]\n{kinds}[relations]\n[events]\n[attributes]\n")


def _add(archive: zipfile.ZipFile, name: str, text: str) -> None:
    """Add a file with a fixed time, so that a resumed run gives the same bytes."""
    archive.writestr(zipfile.ZipInfo(name), text.encode(), zipfile.ZIP_DEFLATED)


def _spacy(documents: Iterable[Marked], target: IO[bytes]) -> None:
    """https://spacy.io/api/docbin; tokens end where entities do, so that every entity is one span."""
    tokens = require("spacy.tokens", "spacy", "writing a spaCy DocBin")
    vocabulary = require("spacy.vocab", "spacy", "writing a spaCy DocBin").Vocab()
    binary = tokens.DocBin(store_user_data=True)
    for one in documents:
        words, spaces, places = _tokens(one)
        doc = tokens.Doc(vocabulary, words=words, spaces=spaces)
        doc.ents = [
            tokens.Span(doc, places[start], places[end], label=label) for start, end, label in one.spans
        ]
        doc.user_data["name"] = one.name
        binary.add(doc)
    target.write(binary.to_bytes())


def _tokens(one: Marked) -> tuple[list[str], list[bool], dict[int, int]]:
    """Split a text into tokens and following spaces; map characters to the tokens that start there."""
    starts, ends = {start for start, _, _ in one.spans}, {end for _, end, _ in one.spans}
    borders = sorted(starts | ends)
    words: list[str] = []
    spaces: list[bool] = []
    places: dict[int, int] = {}
    for found in re.finditer(r"\w+|[^\w\s]| (?=\S)|\s+", one.text):
        position, end = found.span()
        for cut in (*borders[bisect_right(borders, position) : bisect_left(borders, end)], end):
            places[position] = len(words)
            # spaCy attaches a single space to the word before it; at the edge of an entity it is a token.
            behind = words and not words[-1].isspace() and not spaces[-1]
            edge = position in starts or cut in ends
            if one.text[position:cut] == " " and behind and not edge:
                spaces[-1] = True
            else:
                words.append(one.text[position:cut])
                spaces.append(False)
            position = cut
    places[len(one.text)] = len(words)
    return words, spaces, places


_WRITERS: dict[str, Callable[[Iterable[Marked], IO[bytes]], None]] = {
    "doccano": partial(_lines, convert=_doccano),
    "prodigy": partial(_lines, convert=_prodigy),
    "label-studio": partial(_array, convert=_label_studio),
    "displacy": partial(_array, convert=_displacy),
    "highlighted": partial(_array, convert=_highlighted),
    "brat": _brat,
    "spacy": _spacy,
}

#: Formats of tools; those of `write_marked`.
TOOL_FORMATS = tuple(_WRITERS)


def write_marked(documents: Iterable[Marked], target: IO[bytes], format_name: str) -> None:
    """Write documents for a tool.

    Parameters
    ----------
    documents : iterable of Marked
        Consumed once, in order.
    target : binary stream
        Target of the output.
    format_name : str
        One of `TOOL_FORMATS`: ``doccano`` and ``prodigy`` are JSON lines, ``label-studio``, ``displacy`` and
        ``highlighted`` (Gradio) JSON arrays, ``brat`` is a zip of .txt and .ann, ``spacy`` a DocBin.

    Examples
    --------
    >>> entity = {"start": 0, "end": 4, "label": "PER", "score": 0.9, "text": "Mary"}
    >>> import io, json
    >>> target = io.BytesIO()
    >>> write_marked([Marked("a", "Mary sings.", [entity])], target, "doccano")
    >>> json.loads(target.getvalue())
    {'text': 'Mary sings.', 'label': [[0, 4, 'PER']], 'name': 'a'}
    """
    _WRITERS[format_name](documents, target)


def marked(name: str, text: str, entities: Sequence[dict[str, Any]], model: str = "") -> Marked:
    """Build a document, with characters that can be encoded."""
    clean = [{**one, "text": encodable(one["text"]), "label": encodable(one["label"])} for one in entities]
    return Marked(encodable(name), encodable(text), clean, model)
