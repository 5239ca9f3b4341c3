"""Measure redaction: recall and precision beside Presidio, the cost of a million names.

::

    python -m benchmarks.redaction corpora dev.conll --peer …/bin/python --sentences 1000
    python -m benchmarks.redaction forms --texts 1000 --peer …/bin/python      # addresses and numbers
    python -m benchmarks.redaction lists --names 1000000

``--peer`` is the Python of an environment with presidio-analyzer and a spaCy model (``--peer-model``). Both
tools read the same texts, one after the other, each in a separate process. Recall and precision count
characters other than white space; ``ms`` is processor time (all threads) a document, ``MB`` the largest
resident set.
"""

from __future__ import annotations

import json
import random
import resource
import string
import subprocess
import sys
import time
from collections import defaultdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import command_line
from ner_core import Recognition
from ner_core.corpus import read_conll
from ner_core.labels import spans
from ner_documents.redaction import NameList, Rules
from ner_documents.redaction.findings import find_all
from ner_documents.redaction.patterns import PATTERN_LABELS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

Spans = list[tuple[int, int, str]]

_SENTENCES_A_DOCUMENT = 20
_PEER = """
import json, resource, sys, time
from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import NlpEngineProvider
model = sys.argv[1]
provider = NlpEngineProvider(nlp_configuration={
    "nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": model}]})
engine = AnalyzerEngine(nlp_engine=provider.create_engine(), supported_languages=["en"])
texts = json.load(sys.stdin)
engine.analyze("Mary lives in Rome.", "en")
begin = time.process_time()
found = [[(one.start, one.end, one.entity_type) for one in engine.analyze(text, "en")] for text in texts]
print(json.dumps({"found": found, "seconds": time.process_time() - begin,
    "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


def main() -> None:
    """Run the command."""
    parser = command_line(__doc__)
    parser.add_argument("what", choices=("corpora", "forms", "lists", "ours"))
    parser.add_argument("files", nargs="*", type=Path, help="corpora: CoNLL files")
    parser.add_argument("--texts", type=int, default=1000)
    parser.add_argument("--names", type=int, default=1_000_000)
    parser.add_argument("--sentences", type=int, default=1000, help="of each file (default: 1000)")
    parser.add_argument("--model", default="minilm-ner")
    parser.add_argument("--peer", help="Python with presidio-analyzer")
    parser.add_argument("--peer-model", default="en_core_web_sm")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.what == "ours":
        print(json.dumps(_ours(json.load(sys.stdin), arguments.model)))
    elif arguments.what == "lists":
        lists(arguments.names)
    elif arguments.what == "forms":
        compare("generated forms", *forms(arguments.texts, arguments.seed), arguments)
    else:
        for file in arguments.files:
            compare(str(file), *corpus(file, arguments.sentences), arguments)


def corpus(file: Path, sentences: int) -> tuple[list[str], list[Spans]]:
    """Build documents of sentences, one a line, with the places of their entities."""
    texts: list[str] = []
    gold: list[Spans] = []
    text, marked = "", []
    for number, sentence in enumerate(islice(read_conll(file), sentences)):
        places, at = [], len(text)
        for word in sentence.words:
            places.append((at, at + len(word)))
            at += len(word) + 1
        kinds = spans(sentence.tags)
        marked += [(places[start][0], places[end - 1][1], kind.upper()) for kind, start, end in kinds]
        text += " ".join(sentence.words) + "\n"
        if number % _SENTENCES_A_DOCUMENT == _SENTENCES_A_DOCUMENT - 1:
            texts.append(text)
            gold.append(marked)
            text, marked = "", []
    return [*texts, text], [*gold, marked]


_TEMPLATES = (
    "Please call {PHONE} or write to {EMAIL} before Friday.",
    "The invoice 2024-{digits4} of {amount} EUR goes to {IBAN}, reference {digits8}.",
    "He paid with {CARD} on 12/03/2024 at 14:30:05, order {digits10}.",
    "Log in at {URL} from {IP}; version 3.1.4 of the client is needed.",
    "Her SSN is {SSN}; room {digits4}, extension {digits4}.",
    "Contact: {EMAIL}, {PHONE}. ISBN 978-3-16-148410-0, part {digits4}-{digits4}.",
)


def forms(count: int, seed: int) -> tuple[list[str], list[Spans]]:
    """Generate sentences with addresses and numbers, and others that look like them."""
    chance = random.Random(seed)
    texts, gold = [], []
    for _ in range(count):
        text, marked = "", []
        for piece in string.Formatter().parse(" ".join(chance.sample(_TEMPLATES, 3))):
            text += piece[0]
            if piece[1]:
                value = _value(piece[1], chance)
                if piece[1].isupper():
                    marked.append((len(text), len(text) + len(value), piece[1].replace("SSN", "ID")))
                text += value
        texts.append(text)
        gold.append(marked)
    return texts, gold


def _value(kind: str, chance: random.Random) -> str:
    from stdnum import luhn
    from stdnum.iso7064 import mod_97_10

    def digits(count: int) -> str:
        return "".join(chance.choices(string.digits, k=count))

    word = "".join(chance.choices(string.ascii_lowercase, k=chance.randint(3, 9)))
    if kind.startswith("digits"):
        return digits(int(kind.removeprefix("digits")))
    if kind == "PHONE":
        local = f"{chance.choice((212, 415, 650, 312))}", f"{chance.randint(200, 999)}", digits(4)
        return chance.choice(("({}) {}-{}", "+1 {} {} {}", "{}-{}-{}")).format(*local)
    if kind == "IBAN":
        bank = digits(18)
        check = mod_97_10.calc_check_digits(f"{bank}DE")
        number = f"DE{check}{bank}"
        spaced = " ".join(number[index : index + 4] for index in range(0, len(number), 4))
        return chance.choice((number, spaced))
    if kind == "CARD":
        number = f"4{digits(14)}"
        number += luhn.calc_check_digit(number)
        return chance.choice((number, " ".join(number[index : index + 4] for index in range(0, 16, 4))))
    return {
        "amount": f"{chance.randint(1, 999)}.{digits(2)}",
        "EMAIL": f"{word}.{chance.choice('abc')}@{word[::-1]}.{chance.choice(('com', 'co.uk', 'org'))}",
        "URL": f"https://www.{word}.com/{word}?q={digits(3)}",
        "IP": ".".join(str(chance.randint(1, 254)) for _ in range(4)),
        "SSN": f"{chance.randint(100, 665)}-{chance.randint(10, 99)}-{chance.randint(1000, 9999)}",
    }[kind]


def compare(name: str, texts: list[str], gold: list[Spans], arguments: argparse.Namespace) -> None:
    """Print a table of both tools."""
    print(f"\n{name}: {len(texts):,} documents, {sum(map(len, texts)):,} characters")
    head = ["tool", "recall", *_labels(gold), "precision", "ms", "MB"]
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    run = [sys.executable, "-m", "benchmarks.redaction", "ours", "--model", arguments.model]
    _row("ner redact", run, texts, gold)
    if arguments.peer:
        _row("Presidio", [arguments.peer, "-c", _PEER, arguments.peer_model], texts, gold)


def _labels(gold: list[Spans]) -> list[str]:
    return sorted({label for marked in gold for _, _, label in marked})


def _row(name: str, command: list[str], texts: list[str], gold: list[Spans]) -> None:
    done = subprocess.run(command, input=json.dumps(texts), capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout.splitlines()[-1])
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    masked_right = masked = 0
    patterns = any(label in PATTERN_LABELS for label in _labels(gold))
    for text, found, marked in zip(texts, answer["found"], gold, strict=True):
        # Corpora do not mark addresses, dates and numbers, and forms do not mark names.
        cover = _cover(text, [one for one in found if (one[2] not in _NAME_TYPES) == patterns])
        all_cover = _cover(text, found)
        for start, end, label in marked:
            places = [index for index in range(start, end) if not text[index].isspace()]
            counts[label][0] += sum(index in all_cover for index in places)
            counts[label][1] += len(places)
        right = _cover(text, marked)
        masked_right += len(cover & right)
        masked += len(cover)
    recall = sum(got for got, _ in counts.values()) / max(1, sum(there for _, there in counts.values()))
    by_label = "".join(f"{got / there:.3f} | " for _, (got, there) in sorted(counts.items()))
    each = 1000 / len(texts)
    precision = masked_right / max(masked, 1)
    costs = f"{answer['seconds'] * each:.1f} | {answer['megabytes']:.0f}"
    print(f"| {name} | {recall:.3f} | {by_label}{precision:.3f} | {costs} |")


_NAME_TYPES = {"PER", "LOC", "ORG", "MISC", "PERSON", "LOCATION", "ORGANIZATION", "NRP"}


def _cover(text: str, found: Iterable[Any]) -> set[int]:
    return {index for start, end, _ in found for index in range(start, end) if not text[index].isspace()}


def _ours(texts: list[str], model: str) -> dict[str, Any]:
    import model_zoo

    ner = model_zoo.load(model, device="CPU")
    ner("Mary lives in Rome.")
    begin = time.process_time()
    found = []
    for recognition in ner.stream(texts):
        findings = find_all([recognition], Rules())[0]
        found.append([(one.start, one.end, one.label) for one in findings])
    return {
        "found": found,
        "seconds": time.process_time() - begin,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def lists(count: int) -> None:
    """Measure a list of generated names on a text of a million characters."""
    chance = random.Random(1)
    syllables = [a + b for a in "bcdfghklmnprstvz" for b in ("a", "e", "i", "o", "an", "er", "in", "os")]
    names = {
        f"{''.join(chance.choices(syllables, k=3)).title()} {''.join(chance.choices(syllables, k=4)).title()}"
        for _ in range(count)
    }
    begin = time.process_time()
    listed = NameList(names)
    built = time.process_time() - begin
    some = chance.sample(sorted(names), 1000)
    text = " ".join(f"The letter to {name} was sent to the old address of the company." for name in some) * 14
    begin = time.process_time()
    found = find_all([Recognition(text, ())], Rules(patterns=False, listed=listed))[0]
    seconds = time.process_time() - begin
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{len(names):,} names: list built in {built:.2f} s; {len(text):,} characters searched in "
        f"{seconds:.2f} s, {len(found):,} of 14,000 found; largest resident set {memory:.0f} MB"
    )


if __name__ == "__main__":
    main()
