"""Text for the calibration of quantization: the user's, or sentences of this package.

Calibration finds the range of each activation. A few hundred varied pieces without labels are enough; text of
the kind that the model will read is better than these sentences.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from ner_core.batching import stack
from ner_core.corpus import read_json_texts
from ner_core.dataset import CONLL_SUFFIXES, JSON_SUFFIXES, open_dataset

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np

    from ner_core.tokenizer import Tokenizer

__all__ = ["SENTENCES", "cut_rows", "encode", "read_texts"]

#: News, letters, chat, titles, lists, tables; capitals, no capitals; short and long.
SENTENCES = (
    "The European Commission said on Thursday it disagreed with the German proposal to ban British lamb.",
    "Maria Fernandez joined Siemens in Munich in 2014, after eight years at the University of Barcelona.",
    "Shares of the carmaker fell 3.2 percent in Tokyo, while the Nikkei closed almost unchanged.",
    "hey are you coming to the game on saturday? jake said he can drive us from brooklyn",
    "WASHINGTON (AP) - The Senate voted 52-48 late Tuesday to end the debate.",
    "Dear Ms. Okafor, thank you for your letter of 12 March. We have forwarded it to our office in Lagos.",
    "Real Madrid 2, Bayern Munich 2 (aggregate 4-3)",
    "The river rises in the mountains, crosses three countries and flows into the Black Sea near Odessa.",
    "Ticket #48213: customer Li Wei (Shenzhen) reports that the invoice from Contoso Ltd. was paid twice.",
    "NEW YORK TIMES BESTSELLER",
    "He was born in Cork, studied law at Trinity College Dublin, and died in Boston, Massachusetts.",
    "Please find attached the minutes of the meeting; Anna, Tom and Priyanka were absent.",
    "The Nobel Prize in Physics was shared by two Americans and a Japanese scientist.",
    "1. Preheat the oven to 180 degrees. 2. Mix flour, butter and sugar. 3. Bake for 25 minutes.",
    "Microsoft, Google and Amazon all reported higher revenue from their cloud businesses.",
    "\u201cWe did not expect this,\u201d said coach Henrik Larsen after Denmark's win over Croatia.",
    "The Supreme Court of India upheld the decision of the High Court in Madras.",
    "rt @fan: omg lady gaga just landed in sydney!!! #tour",
    "Flight BA117 from London Heathrow to JFK has been delayed until 14:35.",
    "In the 19th century the town grew quickly, thanks to the railway and the cotton mills.",
    "The World Health Organization declared the outbreak over after 42 days without a new case.",
    "Director: Agn\u00e8s Varda. Cast: Corinne Marchand, Antoine Bourseiller. Country: France, Italy.",
    "She moved to Buenos Aires with her husband, the painter Xul Solar, and taught German there.",
    "Under the agreement the seller shall deliver the goods to the buyer's warehouse in Rotterdam.",
    "The iPhone was announced in San Francisco; eBay sellers were offering it the same evening.",
    "U.N. inspectors left Baghdad for Bahrain on Monday.",
    "Results: 1. Kenenisa Bekele (Ethiopia) 27:05.10 2. Sileshi Sihine (Ethiopia) 27:09.39",
    "the old man walked slowly down to the harbour, sat on the wall and watched the boats come in",
    "Dr. Smith-Jones of St. Mary's Hospital, who led the trial, declined to comment.",
    "Toyota's plant in Derbyshire makes 600 cars a day and employs 2,500 people.",
    "According to the Ministry of Finance, inflation in Poland was 2.4% in May, down from 2.9% in April.",
    "Mount Kilimanjaro, Tanzania",
    "Could you book a table for six at Luigi's on Friday, under the name O'Brien?",
    "The Beatles recorded the album at Abbey Road between February and August 1969.",
    "Interest rates were left unchanged by the Bank of England, as most economists had predicted.",
    "Prime Minister Jacinda Ardern met President Emmanuel Macron in Paris before flying on to Brussels.",
    "Error: the connection to db01.example.com was refused (code 111). Retrying in 30 seconds.",
    "The Amazon is the largest river by volume; the Nile was long thought to be the longest.",
    "Yours sincerely, Bj\u00f6rn \u00c5kesson, Head of Sales, Nordic Timber AB, Gothenburg",
    "No one was hurt.",
)

#: Where a dataset folder of Open Model Zoo has labelled text (its data/dataset_definitions.yml).
_OMZ_TEXT = Path("CONLL-2003", "valid.txt")

#: Most texts that are read of a file; more do not help.
_MOST_TEXTS = 100_000


def read_texts(path: Path | str | None, count: int, column: str | None = None) -> list[str]:
    """Read the texts to calibrate on.

    Parameters
    ----------
    path : path, optional
        A text file (one text per line), JSON with texts, or labelled data as `ner_core.dataset.open_dataset`
        takes it (a folder, or a file that ends with ``.conll`` or the like or begins with ``text_``). The
        built-in sentences without it.
    count : int
        How many at most, at even distances.
    column : str, optional
        The key of the text in JSON, if it is another than usual.

    Raises
    ------
    ValueError
        If there is nothing to read.
    """
    if path is None:
        return list(SENTENCES[:count])
    path = Path(path)
    try:
        texts = list(islice(_texts(path, column), _MOST_TEXTS))
    except UnicodeDecodeError as error:
        msg = f"{path}: cannot be read as text: {error}"
        raise ValueError(msg) from error
    if not texts or any("\0" in text for text in texts):
        msg = f"{path}: no text in it. Expected one text per line, JSON, or labelled data."
        raise ValueError(msg)
    step = max(1, len(texts) // count)
    return texts[::step][:count]


def _texts(path: Path, column: str | None) -> Iterator[str]:
    if (path / _OMZ_TEXT).is_file():
        path /= _OMZ_TEXT
    elif path.suffix.lower() in JSON_SUFFIXES:
        yield from read_json_texts(path, column)
        return
    elif not (path.is_dir() or path.suffix.lower() in CONLL_SUFFIXES or path.name.startswith("text_")):
        with path.open(encoding="utf-8-sig") as lines:
            yield from (line.strip() for line in lines if line.strip())
        return
    yield from (" ".join(sentence.words) for sentence in open_dataset(path, column=column))


def encode(
    tokenizer: Tokenizer, texts: Iterable[str], max_length: int, shape: tuple[int, int] | None = None
) -> list[dict[str, np.ndarray]]:
    """Encode texts one by one, each cut at what the model takes, special tokens included.

    With a static `shape`, batch and length, the rows are filled with padding; else they are [1, pieces].
    ``token_type_ids`` are as the tokenizer fills them, else zeros.
    """
    batch, length = shape or (1, max_length)
    return [
        stack(
            [row] * batch,
            prefix=tokenizer.prefix,
            suffix=tokenizer.suffix,
            pad_id=tokenizer.pad_id,
            shape=shape,
        ).inputs
        for row in cut_rows(tokenizer, texts, length)
    ]


def cut_rows(tokenizer: Tokenizer, texts: Iterable[str], length: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Encode texts as rows for `ner_core.batching.stack` that fit into a length with special tokens."""
    room = length - tokenizer.special_count
    return [
        (encoding.ids[:room], encoding.type_ids[:room]) for encoding in tokenizer.encode_texts(list(texts))
    ]
