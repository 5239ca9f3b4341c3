"""The figures of an evaluation, the counts behind them, and how they are printed."""

from __future__ import annotations

import heapq
from array import array
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ner_core.labels import split_tag
from ner_core.reliability import calibration_error, reliability, reliability_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ner_core.reliability import Bin

    Span = tuple[str, int, int]

__all__ = ["Evaluation", "Mistake", "OperatingPoint", "Score", "Tally"]


@dataclass(frozen=True)
class Score:
    """Precision, recall and F1 (0 instead of a division by 0), and the count in the corpus."""

    precision: float
    recall: float
    f1: float
    support: int

    @classmethod
    def of(cls, right: int, predicted: int, gold: int) -> Score:
        """Compute from counts.

        Examples
        --------
        >>> Score.of(1, 2, 4)
        Score(precision=0.5, recall=0.25, f1=0.3333333333333333, support=4)
        """
        both = predicted + gold
        return cls(
            right / predicted if predicted else 0.0,
            right / gold if gold else 0.0,
            2 * right / both if both else 0.0,
            gold,
        )

    @classmethod
    def mean(cls, scores: Sequence[Score], weights: Sequence[float] | None = None) -> Score:
        """Average each of the three; the support is the sum."""
        weights = [1.0] * len(scores) if weights is None else weights
        total = sum(weights)

        def average(values: Iterable[float]) -> float:
            return sum(w * value for w, value in zip(weights, values, strict=True)) / total if total else 0.0

        return cls(
            average(score.precision for score in scores),
            average(score.recall for score in scores),
            average(score.f1 for score in scores),
            sum(score.support for score in scores),
        )


@dataclass(frozen=True)
class Mistake:
    """A sentence with wrong spans.

    Attributes
    ----------
    sentence : int
        Its number in the corpus, from 1.
    text : str
        Words joined by spaces.
    missed, spurious : tuple of (str, str)
        Type and text of spans that only the corpus has, and that only the model has.
    """

    sentence: int
    text: str
    missed: tuple[tuple[str, str], ...]
    spurious: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        sides = [f"missed {kind} {text!r}" for kind, text in self.missed]
        sides += [f"spurious {kind} {text!r}" for kind, text in self.spurious]
        return f"{self.sentence}: {self.text!r}\n    {', '.join(sides)}"


@dataclass(frozen=True)
class Evaluation:
    """The figures of an evaluation.

    Attributes
    ----------
    micro, macro, weighted : Score
        Scores of spans: over all types together, unweighted mean of the types, mean weighted by support.
    per_type : dict of str to Score
        Scores of spans by type, sorted.
    token_accuracy : float
        Share of tokens with the right tag, ``O`` included.
    token_report : dict
        Score by tag, named ``B-PER (label id: 3)``, in id order; then ``accuracy`` (a float), ``macro avg``
        and ``weighted avg``.
    confusion : dict of str to dict of str to int
        Tokens by type in the corpus and type predicted, ``O`` included.
    mistakes : tuple of Mistake
        Sentences with the most wrong spans first.
    sentences, tokens : int
        Number of scored sentences and tokens.
    unit : str
        Unit of a token: ``word`` or ``piece``.
    notes : tuple of str
        Notes, such as types that only one side has.
    calibration_error : float or None
        Mean gap between the score of spans and the share that is right; None if nothing has a score.
    reliability : tuple of Bin
        The same by score.
    operating_points : tuple of OperatingPoint
        Thresholds for the requested targets.
    """

    micro: Score
    macro: Score
    weighted: Score
    per_type: dict[str, Score]
    token_accuracy: float
    token_report: dict[str, Score | float]
    confusion: dict[str, dict[str, int]]
    mistakes: tuple[Mistake, ...] = ()
    sentences: int = 0
    tokens: int = 0
    unit: str = "word"
    notes: tuple[str, ...] = ()
    calibration_error: float | None = None
    reliability: tuple[Bin, ...] = ()
    operating_points: tuple[OperatingPoint, ...] = ()

    @property
    def micro_f1(self) -> float:
        """F1 over all spans, the figure in most papers."""
        return self.micro.f1

    @property
    def macro_f1(self) -> float:
        """Unweighted mean of the types' F1, the figure on Open Model Zoo's bert-base-ner card."""
        return self.macro.f1

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"micro_f1": self.micro_f1, "macro_f1": self.macro_f1, **asdict(self)}

    def to_text(self, *, confusion: bool = False) -> str:
        """Return tables as text, in the layout of scikit-learn's classification_report."""
        spans_table: dict[str, Score | float] = {
            **self.per_type,
            "micro avg": self.micro,
            "macro avg": self.macro,
            "weighted avg": self.weighted,
        }
        counts = (self.sentences, "sentence"), (self.tokens, self.unit)
        parts = [
            ", ".join(f"{count} {unit}{'s' * (count != 1)}" for count, unit in counts),
            f"Spans: micro F1 {self.micro_f1:.4f}, macro F1 {self.macro_f1:.4f}\n\n{_table(spans_table)}",
            f"Tokens (by {self.unit}): accuracy {self.token_accuracy:.4f}\n\n{_table(self.token_report)}",
        ]
        if confusion:
            title = "Tokens by type (rows: corpus, columns: model)"
            parts.append(f"{title}\n\n{_confusion_table(self.confusion)}")
        if self.calibration_error is not None:
            title = f"Scores: expected calibration error {self.calibration_error:.4f}"
            parts.append(f"{title}\n\n{reliability_text(self.reliability)}")
        if self.operating_points:
            parts.append("\n".join(map(str, self.operating_points)))
        if self.mistakes:
            parts.append("Sentences with the most wrong spans\n\n" + "\n".join(map(str, self.mistakes)))
        parts += [f"Note: {note}" for note in self.notes]
        return "\n\n".join(parts)


def _table(rows: dict[str, Score | float]) -> str:
    width = max(map(len, rows))
    average = rows["macro avg"]
    total = average.support if isinstance(average, Score) else 0
    lines = [" " * width + "  precision    recall  f1-score   support"]
    for name, row in rows.items():
        if isinstance(row, Score):
            numbers = f"{row.precision:>11.4f}{row.recall:>10.4f}{row.f1:>10.4f}{row.support:>10}"
        else:
            numbers = f"{row:>31.4f}{total:>10}"
        lines.append(f"{name:>{width}}{numbers}")
    return "\n".join(lines)


def _confusion_table(counts: dict[str, dict[str, int]]) -> str:
    width = 2 + max((len(str(cell)) for row in counts.values() for cell in (*row, *row.values())), default=0)
    header = " " * width + "".join(f"{name:>{width}}" for name in counts)
    rows = [
        f"{gold:>{width}}" + "".join(f"{count:>{width}}" for count in row.values())
        for gold, row in counts.items()
    ]
    return "\n".join([header, *rows])


@dataclass(frozen=True)
class OperatingPoint:
    """The threshold that reaches a target, and the scores there.

    Attributes
    ----------
    kind : str
        ``precision`` or ``recall``.
    target : float
        The requested value.
    threshold : float or None
        The lowest (for precision) or highest (for recall) that reaches it; None if none does.
    score : Score or None
        Score of all spans from the threshold on.
    """

    kind: str
    target: float
    threshold: float | None
    score: Score | None

    def __str__(self) -> str:
        if self.threshold is None or self.score is None:
            return f"{self.kind} {self.target:g}: no threshold reaches it"
        return (
            f"{self.kind} {self.target:g}: threshold {self.threshold:.4f} gives precision "
            f"{self.score.precision:.4f}, recall {self.score.recall:.4f}, F1 {self.score.f1:.4f}"
        )


def operating_point(
    kind: str, target: float, scores: Sequence[float], right: Sequence[bool], gold: int
) -> OperatingPoint:
    """Find the threshold that reaches a precision or a recall at the least cost of the other.

    Examples
    --------
    >>> print(operating_point("precision", 0.9, [0.9, 0.8, 0.4], [True, True, False], 4))
    precision 0.9: threshold 0.8000 gives precision 1.0000, recall 0.5000, F1 0.6667
    """
    best: tuple[float, Score] | None = None
    ordered = sorted(zip(scores, right, strict=True), reverse=True)
    good = 0
    for count, (score, is_right) in enumerate(ordered, 1):
        good += bool(is_right)
        if count < len(ordered) and ordered[count][0] == score:
            continue  # a threshold keeps all spans of equal score or none
        reached = Score.of(good, count, gold)
        if kind == "precision" and reached.precision >= target:
            best = score, reached
        elif kind == "recall" and reached.recall >= target:
            best = score, reached
            break
    return OperatingPoint(kind, target, *(best or (None, None)))


class Tally:
    """Counts over sentences; memory grows with the number of labels, not of sentences."""

    def __init__(self, mistakes: int) -> None:
        self.right: Counter[str] = Counter()
        self.predicted: Counter[str] = Counter()
        self.gold: Counter[str] = Counter()
        self.tags: Counter[tuple[str, str]] = Counter()
        self.sentences = 0
        self._mistakes = mistakes
        self.scores = array("d")
        self.truth = bytearray()
        self._worst: list[tuple[int, int, Mistake]] = []

    def add_spans(self, gold: Iterable[Span], predicted: Iterable[Span], words: Sequence[str] = ()) -> None:
        """Count the spans of one sentence; its words are kept if it is among the worst."""
        self.sentences += 1
        wanted, found = set(gold), set(predicted)
        self.gold.update(kind for kind, _, _ in wanted)
        self.predicted.update(kind for kind, _, _ in found)
        self.right.update(kind for kind, _, _ in wanted & found)
        if self._mistakes and wanted != found:
            self._remember(wanted - found, found - wanted, words)

    def add_scores(self, scores: Iterable[float], right: Iterable[bool]) -> None:
        """Record the score of each span that was found, and whether it is right: nine bytes a span."""
        self.scores.extend(scores)
        self.truth.extend(map(bool, right))

    def _remember(self, missed: set[Span], spurious: set[Span], words: Sequence[str]) -> None:
        def named(some: set[Span]) -> tuple[tuple[str, str], ...]:
            ordered = sorted(some, key=lambda span: span[1:])
            return tuple((kind, " ".join(words[start:end])) for kind, start, end in ordered)

        mistake = Mistake(self.sentences, " ".join(words), named(missed), named(spurious))
        entry = (len(missed) + len(spurious), -self.sentences, mistake)
        heapq.heappush(self._worst, entry)
        if len(self._worst) > self._mistakes:
            heapq.heappop(self._worst)

    def add_tags(self, gold: Sequence[str], predicted: Sequence[str]) -> None:
        """Count the tokens of one sentence."""
        self.tags.update(zip(gold, predicted, strict=True))

    def evaluation(
        self,
        tags: Sequence[str],
        unit: str = "word",
        notes: Sequence[str] = (),
        targets: Iterable[tuple[str, float]] = (),
    ) -> Evaluation:
        """Compute the figures; `tags`, in id order, name the rows of the token report."""
        scored = (self.scores, [bool(value) for value in self.truth])
        types = sorted(self.gold | self.predicted)
        per_type = {kind: Score.of(self.right[kind], self.predicted[kind], self.gold[kind]) for kind in types}
        scores = list(per_type.values())
        total = self.tags.total()
        right = sum(count for (gold, predicted), count in self.tags.items() if gold == predicted)
        accuracy = right / total if total else 0.0
        return Evaluation(
            micro=Score.of(self.right.total(), self.predicted.total(), self.gold.total()),
            macro=Score.mean(scores),
            weighted=Score.mean(scores, [score.support for score in scores]),
            per_type=per_type,
            token_accuracy=accuracy,
            token_report=self._token_report(tags, accuracy),
            confusion=self._confusion(),
            mistakes=tuple(mistake for _, _, mistake in sorted(self._worst, reverse=True)),
            sentences=self.sentences,
            tokens=total,
            unit=unit,
            notes=tuple(notes),
            calibration_error=calibration_error(*scored) if self.scores else None,
            reliability=reliability(*scored),
            operating_points=tuple(
                operating_point(kind, target, *scored, self.gold.total()) for kind, target in targets
            ),
        )

    def _token_report(self, tags: Sequence[str], accuracy: float) -> dict[str, Score | float]:
        gold, predicted = Counter[str](), Counter[str]()
        for (wanted, found), count in self.tags.items():
            gold[wanted] += count
            predicted[found] += count
        occurring = gold | predicted
        ids = {tag: f"label id: {index}" for index, tag in enumerate(tags)}
        ordered = [tag for tag in ids if tag in occurring] + sorted(set(occurring) - set(ids))
        scores = [Score.of(self.tags[tag, tag], predicted[tag], gold[tag]) for tag in ordered]
        rows: dict[str, Score | float] = {
            f"{tag} ({ids.get(tag, 'not a label of the model')})": score
            for tag, score in zip(ordered, scores, strict=True)
        }
        return rows | {
            "accuracy": accuracy,
            "macro avg": Score.mean(scores),
            "weighted avg": Score.mean(scores, [score.support for score in scores]),
        }

    def _confusion(self) -> dict[str, dict[str, int]]:
        counts: Counter[tuple[str, str]] = Counter()
        for (gold, predicted), count in self.tags.items():
            counts[split_tag(gold)[1] or "O", split_tag(predicted)[1] or "O"] += count
        types = sorted({kind for pair in counts for kind in pair}, key=lambda kind: (kind == "O", kind))
        return {gold: {predicted: counts[gold, predicted] for predicted in types} for gold in types}
