"""The contenders, each in a separate process: ``python -m benchmarks.contenders NAME SETTINGS``.

A contender reads one JSON command a line from standard input and writes one JSON answer a line. Only the one
asked works, so that threads do not disturb others, and each may have its own environment. Libraries are
imported by the contender that needs them.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy as np

    from ner_core.batching import Batch
    from ner_core.tokenizer import Tokenizer

    Entities = list[tuple[int, int, str]]

__all__ = ["CONTENDERS", "main"]


class NerZoo:
    """ner-zoo, as a user calls it."""

    def __init__(self, settings: dict[str, Any]) -> None:
        from ner_core import EntityRecognizer

        self.ner = EntityRecognizer.from_ir(
            settings["xml"],
            device="CPU",
            hint=settings.get("hint", "AUTO"),
            threads=settings["threads"],
            compute=settings.get("compute", "exact"),
            aggregation="first",  # as all others here
        )

    def many(self, texts: list[str], _: int | None) -> list[Any]:
        return self.ner.batch(texts)

    def one(self, text: str) -> Any:
        return self.ner(text)

    def entities(self, result: Any) -> Entities:
        return [(one.start, one.end, one.label) for one in result.entities]

    def overhead(self, result: Any) -> float:
        """Share of the time for a text that is not inference."""
        return 1 - result.timings.inference / result.timings.total


class Transformers:
    """The token-classification pipeline of transformers."""

    def __init__(self, settings: dict[str, Any]) -> None:
        import torch
        import transformers

        torch.set_num_threads(settings["threads"])
        model = transformers.AutoModelForTokenClassification.from_pretrained(
            settings["checkpoint"], dtype=getattr(torch, settings.get("dtype", "float32"))
        )
        tokenizer = transformers.AutoTokenizer.from_pretrained(settings["checkpoint"])
        options = {"model": model, "tokenizer": tokenizer, "aggregation_strategy": "first", "device": "cpu"}
        self.pipeline = transformers.pipeline("token-classification", **options)
        # A model may take the casing of words as ids, which the pipeline does not give. It is timed without
        # them; they are added where entities are compared.
        self.exact = self.pipeline
        if settings["token_type_ids"] == "word_casing":
            self.exact = _with_casing(_own_tokenizer(settings))(**options)

    def many(self, texts: list[str], batch_size: int | None) -> list[Any]:
        return list(self.pipeline(texts, batch_size=batch_size or 1))

    def one(self, text: str) -> Any:
        return self.pipeline(text)

    def compare(self, texts: list[str]) -> list[Any]:
        """Recognize as `many`, with the inputs that the model was trained with."""
        return list(self.exact(texts))

    def entities(self, result: Any) -> Entities:
        return [(one["start"], one["end"], one["entity_group"]) for one in result]


def _with_casing(tokenizer: Tokenizer) -> type:
    import torch
    from transformers import TokenClassificationPipeline

    class CasingPipeline(TokenClassificationPipeline):
        def preprocess(  # type: ignore[override]
            self, sentence: Any, offset_mapping: Any = None, **options: Any
        ) -> Any:
            for inputs in super().preprocess(sentence, offset_mapping, **options):
                types = tokenizer.encode_texts([sentence])[0].type_ids
                inputs["token_type_ids"][0, 1:-1] = torch.from_numpy(types)
                yield inputs

    return CasingPipeline


class _Batched:
    """Rows sorted by length, batches limited by pieces, with our tokenizer and decoder."""

    budget = 512

    def __init__(self, settings: dict[str, Any]) -> None:
        from ner_core.decoding import Decoder

        self.tokenizer = _own_tokenizer(settings)
        self.decoder = Decoder(settings["tags"])

    def run(self, batch: Batch) -> np.ndarray:
        """Return the logits."""
        raise NotImplementedError

    def groups(self, lengths: list[int], budget: int | None) -> Iterable[list[int]]:
        from ner_core import batching

        most = budget or self.budget
        return batching.fill(lengths, lambda length: max(most // length, 1))

    def shape(self, rows: int, longest: int) -> tuple[int, int]:
        return rows, longest

    def many(self, texts: list[str], budget: int | None) -> list[Any]:
        from ner_core import batching

        encodings = self.tokenizer.encode_texts(texts)
        lengths = [len(encoding) + 2 for encoding in encodings]
        results: list[Any] = [None] * len(texts)
        for group in self.groups(lengths, budget):
            batch = batching.stack(
                [(encodings[index].ids, encodings[index].type_ids) for index in group],
                prefix=self.tokenizer.prefix,
                suffix=self.tokenizer.suffix,
                pad_id=self.tokenizer.pad_id,
                shape=self.shape(len(group), max(lengths[index] for index in group)),
            )
            logits = self.run(batch)
            for row, index in enumerate(group):
                one = encodings[index]
                results[index] = self.decoder.decode(
                    one.text, logits[row, 1 : len(one) + 1], one.offsets, one.word, strategy="first"
                )
        return results

    def one(self, text: str) -> Any:
        return self.many([text], None)[0]

    def entities(self, result: Any) -> Entities:
        return [(one.start, one.end, one.label) for one in result]


class Torch(_Batched):
    """Plain torch."""

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__(settings)
        import torch
        import transformers

        torch.set_num_threads(settings["threads"])
        self.model = transformers.AutoModelForTokenClassification.from_pretrained(
            settings["checkpoint"], dtype=torch.float32
        ).eval()

    def run(self, batch: Batch) -> np.ndarray:
        import torch

        with torch.inference_mode():
            logits: np.ndarray = self.model(
                input_ids=torch.from_numpy(batch.input_ids),
                attention_mask=torch.from_numpy(batch.attention_mask),
                token_type_ids=torch.from_numpy(batch.token_type_ids),
            ).logits.numpy()
        return logits


class OnnxRuntime(_Batched):
    """ONNX Runtime, with a graph fused by its own optimizer."""

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__(settings)
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = settings["threads"]
        self.session = onnxruntime.InferenceSession(
            settings["onnx"], options, providers=["CPUExecutionProvider"]
        )
        self.names = [port.name for port in self.session.get_inputs()]

    def run(self, batch: Batch) -> np.ndarray:
        logits: np.ndarray = self.session.run(None, {name: getattr(batch, name) for name in self.names})[0]
        return logits


class Padded(_Batched):
    """As Open Model Zoo's demo: every sentence padded to 128, one request at a time, on OpenVINO."""

    length = 128

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__(settings)
        import openvino as ov

        model = ov.Core().read_model(settings["xml"])
        model.reshape({port: [1, self.length] for port in model.inputs})
        config = {
            "INFERENCE_NUM_THREADS": settings["threads"],
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
        }
        self.request = ov.Core().compile_model(model, "CPU", config).create_infer_request()
        self.names = [port.any_name for port in model.inputs]

    def groups(self, lengths: list[int], budget: int | None) -> Iterable[list[int]]:  # noqa: ARG002
        return ([index] for index in range(len(lengths)))

    def shape(self, rows: int, longest: int) -> tuple[int, int]:
        if longest > self.length:
            msg = f"A sentence of {longest} pieces does not fit; the demo would cut it."
            raise ValueError(msg)
        return rows, self.length

    def run(self, batch: Batch) -> np.ndarray:
        self.request.infer({name: getattr(batch, name) for name in self.names})
        logits: np.ndarray = self.request.get_output_tensor(0).data
        return logits


class Spacy:
    """spaCy's pipeline as installed: tagger, parser and lemmatizer too."""

    disabled: tuple[str, ...] = ()

    def __init__(self, settings: dict[str, Any]) -> None:
        import spacy

        self.pipeline = spacy.load(settings["spacy_model"], disable=list(self.disabled))

    def many(self, texts: list[str], _: int | None) -> list[Any]:
        return list(self.pipeline.pipe(texts))

    def one(self, text: str) -> Any:
        return self.pipeline(text)

    def entities(self, result: Any) -> Entities:
        return [(one.start_char, one.end_char, one.label_) for one in result.ents]


class SpacyNer(Spacy):
    """Its entity recognizer alone."""

    disabled = ("tagger", "parser", "attribute_ruler", "lemmatizer")


CONTENDERS: dict[str, type] = {
    "ner-zoo": NerZoo,
    "transformers": Transformers,
    "torch": Torch,
    "onnxruntime": OnnxRuntime,
    "padded": Padded,
    "spacy": Spacy,
    "spacy-ner": SpacyNer,
}


def _own_tokenizer(settings: dict[str, Any]) -> Tokenizer:
    from ner_core.tokenizer import Tokenizer

    return Tokenizer.from_file(settings["tokenizer"], token_type_ids=settings["token_type_ids"])


def _answer(contender: Any, command: dict[str, Any]) -> dict[str, Any]:
    """Run a command."""
    texts, option = command.get("texts", []), command.get("option")
    if command["do"] == "many":
        began, used = time.perf_counter(), time.process_time()
        contender.many(texts, option)
        return {"seconds": time.perf_counter() - began, "processor": time.process_time() - used}
    if command["do"] == "one":
        taken, processor, overheads = [], [], []
        for text in texts:
            began, used = time.perf_counter(), time.process_time()
            result = contender.one(text)
            taken.append(time.perf_counter() - began)
            processor.append(time.process_time() - used)
            if hasattr(contender, "overhead"):
                overheads.append(contender.overhead(result))
        return {"seconds": taken, "processor": processor, "overheads": overheads}
    if command["do"] == "entities":
        results = contender.compare(texts) if hasattr(contender, "compare") else contender.many(texts, option)
        return {"entities": [contender.entities(result) for result in results]}
    if command["do"] == "pages":
        return _run_pages(
            contender, command["pages"], streamed=command["streamed"], least=command.get("seconds", 0.0)
        )
    msg = f"unknown command {command['do']!r}"
    raise ValueError(msg)


def _run_pages(contender: NerZoo, pages: int, *, streamed: bool, least: float) -> dict[str, Any]:
    """Recognize pages, in one text or as a stream, repeatedly for at least so many seconds."""
    from benchmarks.texts import document

    taken: list[float] = []
    processor: list[float] = []
    while not taken or sum(taken) < least:
        texts = map(document, [1] * pages) if streamed else [document(pages)]
        began, used = time.perf_counter(), time.process_time()
        results = [(result.pieces, result.windows) for result in contender.ner.stream(texts)]
        taken.append(time.perf_counter() - began)
        processor.append(time.process_time() - used)
    pieces, windows = map(sum, zip(*results, strict=True))
    return {
        "seconds": median(taken),
        "processor": median(processor),
        "runs": len(taken),
        "pieces": pieces,
        "windows": windows,
        "peak_bytes": _peak_memory(),
        "streamed": streamed,
    }


def _peak_memory() -> int:
    """Return the peak resident memory of this program, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage includes the memory of the parent at the fork
        return 1024 * int(status.read_text().split("VmHWM:")[1].split()[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    """Serve commands until standard input ends."""
    # Output of libraries must not mix with the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    say: Callable[[dict[str, Any]], None] = lambda answer: print(json.dumps(answer), file=answers, flush=True)  # noqa: E731
    try:
        contender = CONTENDERS[sys.argv[1]](json.loads(sys.argv[2]))
    except Exception as error:  # noqa: BLE001 - the others are still measured
        say({"error": f"{type(error).__name__}: {error}"})
        return
    say({"ready": True})
    for line in sys.stdin:
        say(_answer(contender, json.loads(line)))


if __name__ == "__main__":
    main()
