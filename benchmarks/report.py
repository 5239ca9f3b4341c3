"""The numbers of `benchmarks.peers` as Markdown tables."""

from __future__ import annotations

from statistics import median
from typing import Any

__all__ = ["best", "to_markdown"]

_TITLES = {
    "ner-zoo": "ner-zoo",
    "ner-zoo-throughput": "ner-zoo, hint THROUGHPUT",
    "transformers": "transformers pipeline",
    "transformers-bf16": "transformers pipeline, bfloat16",
    "ner-zoo-bf16": "ner-zoo, computing in bfloat16",
    "ner-zoo-int8-weights": "ner-zoo, INT8 weights",
    "ner-zoo-int8": "ner-zoo, INT8 weights and activations",
    "ner-zoo-default": "ner-zoo, INT8 weights, activations quantized at run time, the rest in bfloat16",
    "onnxruntime-int8": "ONNX Runtime, quantized by itself (dynamic), sorted batches",
    "onnxruntime-static": "ONNX Runtime, quantized by itself (static), sorted batches",
    "torch": "torch, sorted batches",
    "onnxruntime": "ONNX Runtime, sorted batches",
    "padded": "padded to 128, one at a time (OpenVINO)",
    "spacy": "spaCy en_core_web_sm, as installed (another model)",
    "spacy-ner": "spaCy en_core_web_sm, NER alone (another model)",
}


def best(rows: list[dict[str, Any]], contender: str) -> dict[str, Any] | None:
    """Return a contender's row with the highest throughput.

    Examples
    --------
    >>> rows = [{"contender": "a", "sentences_per_second": rate} for rate in (1, 2)]
    >>> best(rows, "a")
    {'contender': 'a', 'sentences_per_second': 2}
    """
    own = [row for row in rows if row["contender"] == contender]
    return max(own, key=lambda row: row["sentences_per_second"], default=None)


def to_markdown(document: dict[str, Any]) -> str:
    """Write all measurements of `benchmarks.peers`."""
    machine = document["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    lines = [
        f"{machine['cpu']}, {machine['processors']} processors, {machine['threads']} threads; "
        f"Python {machine['python']}, {versions}.",
        "",
    ]
    for name, model in document["models"].items():
        lines += [*_model(name, model), ""]
    return "\n".join(lines)


def _model(name: str, model: dict[str, Any]) -> list[str]:
    rates = model["matmul_gflops"]
    rows = model["rows"]
    ours = best(rows, "ner-zoo")
    weights = "random weights" if model["random_weights"] else "trained weights"
    lines = [
        f"### {name} ({weights}), FP32",
        "",
        f"{model['sentences']} sentences, {model['pieces']} word pieces. float32 matrix multiplication: "
        + ", ".join(f"{kind} {rate:.0f} GFLOP/s" for kind, rate in rates.items())
        + "; shares refer to OpenVINO's just before each round.",
        "",
        "| | sentences/s | lowest-highest round | pieces/s | of sgemm | ner-zoo is faster by |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        ratio = ours["sentences_per_second"] / row["sentences_per_second"] if ours else 0.0
        same = not row["contender"].startswith("spacy")
        lines.append(
            f"| {_title(row)} | {row['sentences_per_second']:.1f} | "
            f"{min(row['rounds']):.1f}-{max(row['rounds']):.1f} | {row['pieces_per_second']:.0f} | "
            f"{format(median(row['matmul_shares']), '.0%') if same else ''} | {ratio:.2f} |"
        )
    lines += ["", "| one sentence of 20 words | ms | ner-zoo is faster by |", "|---|---|---|"]
    for row in rows:
        if row["latency_ms"] is not None:
            ratio = row["latency_ms"] / ours["latency_ms"] if ours else 0.0
            lines.append(f"| {_TITLES[row['contender']]} | {row['latency_ms']:.2f} | {ratio:.2f} |")
    if ours and ours["overhead"] is not None:
        lines += [
            "",
            f"Tokenization and decoding take {ours['overhead']:.1%} of ner-zoo's time for a sentence.",
        ]
    lines += [
        "",
        *_pages(model["pages"]),
        *_pages(model.get("pages_default", []), "default"),
        *_equality(model["differences"]),
    ]
    lines += [f"- {name} was not measured: {reason}" for name, reason in model["failures"].items()]
    return lines


def _title(row: dict[str, Any]) -> str:
    title = _TITLES[row["contender"]]
    name = "batch_size" if row["contender"].startswith("transformers") else "pieces"
    return title if row["option"] is None else f"{title}, {name} {row['option']}"


def _pages(pages: list[dict[str, Any]], compute: str = "exact") -> list[str]:
    if not pages:
        return []
    lines = [
        f"| pages, {compute} | pieces | seconds | microseconds a piece | peak memory, MB |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {page['count']} {'streamed' if page['streamed'] else 'in one text'} | {page['pieces']} | "
        f"{page['seconds']:.2f} | {1e6 * page['seconds'] / page['pieces']:.1f} | "
        f"{page['peak_bytes'] / 1e6:.0f} |"
        for page in pages
    ]
    return [*lines, ""]


def _equality(differences: dict[str, dict[str, int]]) -> list[str]:
    return [
        f"- Entities of {_TITLES[name]} and of ner-zoo differ in {found['different_sentences']} of "
        f"{found['sentences']} sentences ({found['entities']} entities)."
        for name, found in differences.items()
    ]
