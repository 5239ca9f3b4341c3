"""Results written for people and programs: highlighted, as tags, as rows.

The file formats (HTML, CoNLL, JSON lines, CSV) can always be encoded as UTF-8: characters that they cannot
hold, such as a lone surrogate, are escaped (JSON) or replaced by U+FFFD.
"""

from ner_core.rendering.characters import encodable, guarded, visible
from ner_core.rendering.conll import to_conll, to_inline
from ner_core.rendering.html import html_frame, html_section, to_html
from ner_core.rendering.records import CSV_COLUMNS, to_csv, to_json, to_jsonl
from ner_core.rendering.slices import segments
from ner_core.rendering.terminal import to_terminal

__all__ = [
    "CSV_COLUMNS",
    "encodable",
    "guarded",
    "html_frame",
    "html_section",
    "segments",
    "to_conll",
    "to_csv",
    "to_html",
    "to_inline",
    "to_json",
    "to_jsonl",
    "to_terminal",
    "visible",
]
