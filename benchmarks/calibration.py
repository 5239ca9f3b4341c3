"""Fit the calibration of a model on development sets: the key ``calibration`` of its rt_info.

``python -m benchmarks.calibration --conll dev.conll --data DATA`` prints three numbers for the key, see
`ner_core.calibration`, and the expected calibration error of each corpus before and after. What is made
small is the largest error of a corpus in terms of what is allowed there (0.02 on CoNLL-2003, 0.05
elsewhere), and a little of the log-loss, so that the numbers do not follow the borders of bins.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize

import model_zoo
from benchmarks.running_text import CORPORA, judge, sentences
from ner_core import Recognition
from ner_core.calibration import Calibration
from ner_core.decoding import Decoder
from ner_core.scores import calibration_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.running_text import Judged

_ALLOWED = {"conll2003": 0.02}
_ALLOWED_ELSEWHERE = 0.05
_FITTED_ON = ("conll2003", "uner_en_ewt", "btc", "wnut17")

#: Each gives one of the features as the log-odds of the score; none gives the score without calibration.
_FEATURES = (None, Calibration(1, 0, 0), Calibration(0, 1, 0))


def gather(model: str, paths: dict[str, Path], count: int | None) -> dict[str, list[Judged]]:
    """Return for each corpus what was found, with the score as it is and with each feature as the score."""
    ner = model_zoo.load(model, device="CPU")
    decoders = [Decoder(ner.tags, ner.model_info.get("tag_scheme"), one) for one in _FEATURES]
    gathered = {}
    for name, path in paths.items():
        types = CORPORA[name].types
        documents = sentences(path, types, count)
        found: list[list[Recognition]] = [[] for _ in decoders]
        for run in ner._pipeline.run([one.text for one in documents], as_written=True):  # noqa: SLF001
            one = run.encoding
            for results, decoder in zip(found, decoders, strict=True):
                entities = decoder.decode(
                    one.text,
                    run.logits,
                    one.offsets,
                    run.words,
                    one.segment,
                    token=one.word,
                    strategy="word",
                )
                results.append(Recognition(one.text, entities))
        gathered[name] = [judge(documents, results, types) for results in found]
    return gathered


def fit(gathered: dict[str, list[Judged]]) -> Calibration:
    """Find the three numbers."""

    def cost(numbers: np.ndarray) -> float:
        ratios, losses = [], []
        for name, judged in gathered.items():
            p, truth = probabilities(judged, numbers), judged[0].truth
            ratios.append(calibration_error(p, truth) / _ALLOWED.get(name, _ALLOWED_ELSEWHERE))
            losses.append(-np.log(np.where(truth, p, 1 - p) + 1e-9).mean())
        return max(ratios) + 0.1 * float(np.mean(ratios)) + 0.2 * float(np.mean(losses))

    starts = ([0.3, 0.8, -3.0], [0.8, 0.2, -1.0], [1.0, 0.0, 0.0], [0.5, 0.5, -2.0])
    best = min((minimize(cost, start, method="Nelder-Mead") for start in starts), key=lambda one: one.fun)
    return Calibration(*(round(float(number), 3) for number in best.x))


def probabilities(judged: Sequence[Judged], numbers: Sequence[float] | np.ndarray) -> np.ndarray:
    """Apply a calibration to the features."""
    odds, lowest = (
        np.log(one.scores.clip(1e-12, 1 - 1e-12) / (1 - one.scores.clip(1e-12, 1 - 1e-12)))
        for one in judged[1:]
    )
    return 1 / (1 + np.exp(-(numbers[0] * odds + numbers[1] * lowest + numbers[2])))


def main(argv: Sequence[str] | None = None) -> None:
    """Print the numbers and what they do."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="minilm-ner", help="name in the zoo or IR")
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpora")
    parser.add_argument("--conll", type=Path, required=True, help="CoNLL-2003 dev")
    parser.add_argument("--count", type=int, help="only the first so many sentences")
    arguments = parser.parse_args(argv)

    paths = {
        name: arguments.conll if name == "conll2003" else arguments.data / CORPORA[name].path
        for name in _FITTED_ON
    }
    gathered = gather(arguments.model, paths, arguments.count)
    found = fit(gathered)
    print(f"calibration: {' '.join(map(str, found))}\n")
    print("| corpus | F1 | error without | error with |\n|---|---|---|---|")
    for name, judged in gathered.items():
        after = calibration_error(probabilities(judged, found), judged[0].truth)
        print(f"| {name} | {judged[0].f1:.4f} | {judged[0].calibration_error:.4f} | {after:.4f} |")


if __name__ == "__main__":
    main()
