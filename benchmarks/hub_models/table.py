"""The page of docs: families that run, with what was measured, and those that are refused."""

from __future__ import annotations

# ruff: noqa: E501 - lines of a page
from typing import TYPE_CHECKING

from benchmarks.hub_models.checkpoints import LAYOUTS, TEXTS, layouts_of
from benchmarks.hub_models.comparison import STRATEGIES, VERDICTS
from model_zoo.catalog import suitability

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.hub_models.runner import Result

_HEAD = f"""\
# Models of the hub

`owner/name`, `hf:owner/name` or the address of a page names a token classifier of the Hugging Face hub, wherever a model is
named. Its small files are looked at first; what does not run is refused with one sentence before a byte of weights. No code
of a repository is ever run.

This page is made by `python -m benchmarks.hub_models --output docs/hub-models.md`: tiny random checkpoints of each family,
published on a local server in {len(LAYOUTS)} layouts ({", ".join(LAYOUTS)}), fetched, converted, and compared with
transformers' pipeline on {len(TEXTS)} texts for its five aggregations, both in float32. Every text is one of these:

- **equal**: labels, offsets, and scores within 1e-3.
- **spaces**: equal, once white space at the ends of transformers' entities is taken off. Byte-level and sentencepiece
  tokenizers count the space before a word to its first piece, and transformers' entities then begin with it. Here entities
  begin and end with what can be read, whatever the tokenizer: `text[start:end]` is the name.
- **blanks**: as above, and transformers has entities that are nothing but white space (a piece that is a space, with a label
  of its own). Here they are none.
- **lone**: as above, but for words before which such a piece stands: transformers counts it to the word (and so to its label
  and score), or to the word before. Here it is not counted. Only these words, and the scores of entities that touch them,
  are left out of the comparison.
- **bytes**: as above, but for words with a character that has several pieces (bytes of `ß` or `£`), of which transformers
  makes an entity each, or lets entities begin inside a character. Here entities are whole characters and never overlap.
- **wrong**: anything else, that is: a difference that nobody has explained.
"""

_REFUSED = """\
Also refused, each with what to do: code of a repository (`auto_map` to another class), tokenizers that are programs (MeCab,
Juman++, jieba, Moses), GLiNER, SpanMarker, Flair, spaCy, Stanza, adapters without their model, weights for TensorFlow, Flax
or GGUF alone, quantized weights, ONNX in 4 bits, encoders without a classifier, and labels that nobody named
(`python -m model_zoo add owner/name --labels O,B-PER,...` names them). MeCab through fugashi
is no extra: the core reads text with openvino, tokenizers and numpy alone, and a dictionary for each model is none of them.
"""


def to_markdown(results: Sequence[Result]) -> str:
    """Write the page: families that run, with the counts, and those that are refused.

    Parameters
    ----------
    results : sequence of Result
        One for each family, in the order of the table.
    """
    columns = ["family", "such as", "tokenizer's own files", "layouts read", "", *STRATEGIES]
    why = [[name, reason] for name, reason in suitability.REFUSED_FAMILIES.items()]
    parts = [
        _HEAD,
        _sums(results),
        "The last columns count the texts of each aggregation: equal, and behind a + the spaces (s), blanks (w), "
        "lone (l) and bytes (b). Random weights give almost every piece a label of its own, spaces too; with a "
        "trained model most entities are words.",
        _table([columns, ["---"] * len(columns), *(_row(result) for result in results)]),
        *_unmeasured(results),
        "## Refused",
        _table([["family", "why"], ["---"] * 2, *why]),
        _REFUSED,
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _sums(results: Sequence[Result]) -> str:
    ran = [result for result in results if result.converted]
    every = len(ran) * len(TEXTS)
    fetched, read = (
        sum(len(getattr(result, done)) == len(layouts_of(result.family)) for result in results)
        for done in ("fetched", "read")
    )
    counts = [
        [strategy, *(str(sum(result.texts[strategy][one] for result in ran)) for one in VERDICTS), str(every)]
        for strategy in STRATEGIES
    ]
    return (
        f"Fetched in all layouts: {fetched} of {len(results)} families. Read in all layouts: {read}. "
        f"Converted: {len(ran)}. Texts of all families:\n\n"
        + _table([["aggregation", *VERDICTS, "of"], ["---"] * (len(VERDICTS) + 2), *counts])
    )


def _row(result: Result) -> list[str]:
    family = result.family
    own = ", ".join(suitability.OWN_FILES.get(family.model_type, ()))
    layouts = f"{len(result.read)} of {len(layouts_of(family))}"
    verdict = "runs" if result.converted else f"refused: {result.problem}"
    counts = [_count(result.texts.get(strategy, {})) for strategy in STRATEGIES]
    return [family.name, family.example, own, layouts, verdict, *counts]


def _count(texts: dict[str, int]) -> str:
    """Write the counts of one cell.

    Examples
    --------
    >>> _count({"equal": 38, "spaces": 2, "blanks": 0, "lone": 0, "bytes": 1, "wrong": 0})
    '38 +2s +1b'
    """
    if not texts:
        return ""
    signs = {"spaces": "s", "blanks": "w", "lone": "l", "bytes": "b", "wrong": " WRONG"}
    return " ".join(
        [str(texts["equal"]), *(f"+{texts[one]}{sign}" for one, sign in signs.items() if texts[one])]
    )


def _unmeasured(results: Sequence[Result]) -> list[str]:
    """Name families that are taken and have no row; the test of this table allows none."""
    missing = sorted(suitability.FAMILIES - {result.family.model_type for result in results})
    names = ", ".join(f"`{name}`" for name in missing)
    told = f"Taken too, and compared only when a model is converted (its logits, padded and not): {names}."
    return [told] if missing else []


def _table(rows: Sequence[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)
