"""Where a labelled corpus lies: the files of a path or folder, and how each is read.

Examples
--------
>>> open_dataset("missing.conll")
Traceback (most recent call last):
ner_core.corpus.CorpusError: missing.conll: no such file or folder
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ner_core.corpus import CorpusError, read_conll, read_json, read_label_ids, read_nemo, uncompressed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ner_core.corpus import Sentence

__all__ = ["CONLL_SUFFIXES", "JSON_SUFFIXES", "Dataset", "open_dataset"]

JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")
CONLL_SUFFIXES = (".conll", ".bio", ".iob", ".iob2", ".bioes")
_SPLIT_NAMES = ("train", "dev", "valid", "validation", "test", "testa", "testb")


@dataclass(frozen=True)
class Dataset:
    """Sentences of a corpus, iterable any number of times; each iteration reads the files.

    Attributes
    ----------
    kind : str
        ``conll``, ``nemo`` or ``json``.
    files : tuple of Path
        One file, or the text file and the labels file; then ``label_ids.csv``, if there is one.
    label_ids : tuple of str or None
        Labels of ``label_ids.csv``, in id order, if there is one.
    encoding : str
        Encoding of CoNLL and JSON files.
    word_column, tag_column : int or None
        Columns of CoNLL files, see `read_conll`.
    column : str or None
        Key of the text in JSON files, see `read_json`.
    """

    kind: str
    files: tuple[Path, ...]
    label_ids: tuple[str, ...] | None = None
    encoding: str = "utf-8"
    word_column: int | None = None
    tag_column: int | None = None
    column: str | None = None

    def __iter__(self) -> Iterator[Sentence]:
        if self.kind == "nemo":
            return read_nemo(self.files[0], self.files[1], self.label_ids)
        if self.kind == "json":
            return read_json(
                self.files[0], column=self.column, encoding=self.encoding, label_ids=self.label_ids
            )
        return read_conll(
            self.files[0],
            word_column=self.word_column,
            tag_column=self.tag_column,
            encoding=self.encoding,
        )


def open_dataset(
    path: str | Path,
    *,
    split: str | None = None,
    encoding: str = "utf-8",
    word_column: int | None = None,
    tag_column: int | None = None,
    column: str | None = None,
) -> Dataset:
    """Open a corpus: a file, or a folder of files.

    Parameters
    ----------
    path : str or Path
        NeMo's ``text_*.txt`` with its ``labels_*.txt`` beside it, ``.jsonl`` or ``.json`` with marked names
        or tags (with ``label_ids.csv`` beside it if tags are numbers), any other file in CoNLL columns or
        CSV, or a folder of these; ``.gz`` may follow a suffix.
    split : str, optional
        Which corpus of a folder: ``dev`` for ``dev.conll``, or for ``text_dev.txt`` and ``labels_dev.txt``.
    encoding : str
        Encoding of CoNLL and JSON files.
    word_column, tag_column : int, optional
        Columns of CoNLL files, see `read_conll`.
    column : str, optional
        Key of the text in JSON files, see `read_json`.

    Raises
    ------
    CorpusError
        If there is no corpus, or several and `split` does not name one of them.
    """
    path = Path(path)
    if not path.exists():
        msg = f"{path}: no such file or folder"
        raise CorpusError(msg)
    file = _chosen(path, split) if path.is_dir() else path
    kind = "json" if uncompressed(file).suffix.lower() in JSON_SUFFIXES else "conll"
    files = [file]
    if file.name.startswith("text_") and file.suffix == ".txt":
        kind = "nemo"
        files.append(file.with_name("labels_" + file.name.removeprefix("text_")))
        if not files[1].exists():
            msg = f"{file}: expected {files[1].name} beside it, found none"
            raise CorpusError(msg)
    label_ids = None
    if kind != "conll" and (ids := file.with_name("label_ids.csv")).exists():
        label_ids = tuple(read_label_ids(ids))
        files.append(ids)
    return Dataset(kind, tuple(files), label_ids, encoding, word_column, tag_column, column)


def _chosen(folder: Path, split: str | None) -> Path:
    """Return the file of the chosen corpus in a folder."""
    nemo = {file.stem.removeprefix("text_"): file for file in sorted(folder.glob("text_*.txt"))}
    conll = {split_name: file for file in sorted(folder.iterdir()) if (split_name := _split_name(file))}
    splits = nemo or conll
    if not splits:
        msg = f"{folder}: expected *.conll, text_*.txt with labels_*.txt, or like train.jsonl, found none"
        raise CorpusError(msg)
    if split is None and len(splits) == 1:
        split = next(iter(splits))
    if split not in splits:
        found = "several corpora and no split" if split is None else f"no {split}"
        msg = f"{folder}: {found}; choose one of {', '.join(splits)}"
        raise CorpusError(msg)
    return splits[split]


def _split_name(file: Path) -> str | None:
    """Return the split of a corpus file, as in dev.conll, eng.testa (CoNLL-2003) or valid.txt; else None."""
    file = uncompressed(file)
    if file.suffix.lower() in CONLL_SUFFIXES:
        return file.stem
    if file.suffix[1:] in _SPLIT_NAMES:
        return file.suffix[1:]
    named = file.suffix in (".txt", ".tsv", ".csv", *JSON_SUFFIXES) and file.stem in _SPLIT_NAMES
    return file.stem if named else None
