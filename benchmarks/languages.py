"""Measure the choice of a model by language: how often it is right, and what it costs.

- ``make FILE`` builds the table of `ner_core.language` from the word frequencies in the package wordfreq
  (CC BY-SA 4.0; ``pip install wordfreq``);
- ``measure NAME=FILE …`` reads labelled sentences as running text and prints, for each file, the share for
  which the right model is chosen; names that begin with ``en`` are English;
- ``cost FILE`` compares the processor time of the choice with that of minilm-ner's answer.
"""

from __future__ import annotations

import math
import re
import time
from collections import defaultdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import command_line
from benchmarks.windows import document
from ner_core.corpus import read_conll
from ner_core.language import is_english, language_parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_OTHERS = "ca,cs,da,de,es,fi,fil,fr,hu,id,is,it,lt,lv,ms,nb,nl,pl,pt,ro,sh,sk,sl,sv,tr,vi"
_WORD = re.compile(r"[^\W\d_]+")
_ENGLISH_WORDS, _OTHER_WORDS = 1000, 2000
# Probabilities that are added to both sides, so that rare words and endings say little.
_RARE_WORD, _RARE_ENDING = 3e-6, 3e-4
_LEAST_WORD, _LEAST_ENDING = 0.2, 0.15
_SHORTEST = 40

_HEADER = """\
# How much a word, or the ending of any other word ("*": of any ending), speaks for English:
# log10 of P(English) / P(another language). Made by benchmarks/languages.py from the frequencies of
# words in the package wordfreq 3 (Robyn Speer, CC BY-SA 4.0), and under that licence.
"""


def shares(frequencies: Mapping[str, float]) -> dict[str, float]:
    """Return the share of each run of letters (``don`` and ``t`` of ``don't``) among all of them."""
    counts: dict[str, float] = defaultdict(float)
    for word, share in frequencies.items():
        for part in _WORD.findall(word):
            counts[part] += share
    total = sum(counts.values())
    return {word: count / total for word, count in counts.items()}


def ratio(english: float, other: float, rare: float) -> float:
    """Return the evidence for English of a word or ending with these frequencies."""
    return round(math.log10((english + rare) / (other + rare)), 1)


def make(path: Path) -> None:
    """Write the table."""
    from wordfreq import get_frequency_dict

    english = shares(get_frequency_dict("en", "small"))
    languages = [shares(get_frequency_dict(name, "small")) for name in _OTHERS.split(",")]
    mean: dict[str, float] = defaultdict(float)
    for one in languages:
        for word, share in one.items():
            mean[word] += share / len(languages)
    frequent = {
        *sorted(english, key=english.__getitem__, reverse=True)[:_ENGLISH_WORDS],
        *sorted(mean, key=mean.__getitem__, reverse=True)[:_OTHER_WORDS],
    }
    words = {word: ratio(english.get(word, 0), mean.get(word, 0), _RARE_WORD) for word in frequent}
    known = {word for word, weight in words.items() if abs(weight) >= _LEAST_WORD}

    def endings(table: Mapping[str, float]) -> tuple[dict[str, float], float]:
        counts: dict[str, float] = defaultdict(float)
        for word, share in table.items():
            if word not in known and len(word) > 3:
                counts[word[-3:]] += share
        total = sum(counts.values())
        return {ending: count / total for ending, count in counts.items()}, total

    own, own_rest = endings(english)
    rests = [endings(one) for one in languages]
    other: dict[str, float] = defaultdict(float)
    for table, _ in rests:
        for ending, share in table.items():
            other[ending] += share / len(rests)
    rows: dict[float, list[str]] = defaultdict(list)
    for word in known:
        rows[words[word]].append(word)
    for ending in {*own, *other}:
        weight = ratio(own.get(ending, 0), other.get(ending, 0), _RARE_ENDING)
        frequent_enough = max(own.get(ending, 0), other.get(ending, 0)) > 4e-4
        if frequent_enough and abs(weight) > _LEAST_ENDING:
            rows[weight].append(f"-{ending}")
    rows[round(math.log10(own_rest * len(rests) / sum(rest for _, rest in rests)), 1)].append("*")
    lines = [f"{weight} {' '.join(sorted(rows[weight]))}" for weight in sorted(rows)]
    path.write_text(_HEADER + "\n".join(lines) + "\n", "utf-8")


def texts_of(path: Path, count: int | None = None) -> list[str]:
    """Read sentences as running text, without spaces for scripts that have none."""
    sentences = [document([sentence], "").text for sentence in islice(read_conll(path), count)]
    wide = sum("\u2e80" < text[0] < "\u9fff" for text in sentences if text) > len(sentences) / 2
    return [text.replace(" ", "") for text in sentences] if wide else sentences


def measure(given: Iterable[str], count: int | None) -> None:
    """Print a table: sentences of 40 characters and more, and all of them."""
    print("| corpus | sentences | right | of all lengths | right |\n|---|---|---|---|---|")
    for one in given:
        name, _, path = one.partition("=")
        texts = texts_of(Path(path), count)
        right = [is_english(text) == name.startswith("en") for text in texts]
        long = [good for good, text in zip(right, texts, strict=True) if len(text) >= _SHORTEST]
        shown = [
            f"{len(kept):,} | {100 * sum(kept) / len(kept):.1f} %" if kept else "0 | "
            for kept in (long, right)
        ]
        print(f"| {name} | {' | '.join(shown)} |")


def cost(path: Path, count: int | None, rounds: int) -> None:
    """Print processor seconds of both, measured in turns, and their ratio."""
    import model_zoo

    texts = texts_of(path, count)
    ner = model_zoo.load("minilm-ner", device="CPU")
    ner.batch(texts[:200])
    spent = [0.0, 0.0]
    for _ in range(rounds):
        for index, work in enumerate((lambda: list(map(language_parts, texts)), lambda: ner.batch(texts))):
            began = time.process_time()
            work()
            spent[index] += time.process_time() - began
    question, answer = spent
    each = 1e6 * question / rounds / len(texts)
    print(f"choice {question:.2f} s ({each:.1f} us a text), answer {answer:.2f} s: {question / answer:.2%}")


def main() -> None:
    """Run the command."""
    parser = command_line(__doc__)
    parser.add_argument("what", choices=("make", "measure", "cost"))
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--sentences", type=int, help="most of each file")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    if args.what == "make":
        make(Path(args.files[0]))
    elif args.what == "measure":
        measure(args.files, args.sentences)
    else:
        cost(Path(args.files[0]), args.sentences, args.rounds)


if __name__ == "__main__":
    main()
