"""What an attack is, how files are damaged, and who judges the outcome."""

from __future__ import annotations

import gc
import resource
import shutil
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

SECONDS = 30.0
MEGABYTES = 700
CANARY = b"somebody's file\n"
SENTENCE = 2000


@dataclass(frozen=True)
class Kind:
    """A kind of attack or fault.

    Attributes
    ----------
    group, name : str
        Where it is aimed, and what it is.
    attempt : callable
        Given chance and an empty folder makes one try and returns what came of it in a word; whatever it
        raises is a finding.
    seconds : float
        Processor time and, five times, time of the clock that a try may take.
    costly : bool
        A try takes a second or more, so a sixth of the tries will do.
    """

    group: str
    name: str
    attempt: object
    seconds: float = SECONDS
    costly: bool = False


@dataclass
class Result:
    """What came of the tries of one kind."""

    kind: Kind
    tries: int = 0
    outcomes: Counter = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest: float = 0.0


def attack(kind: Kind, tries: int, folder: Path, seed: int = 0) -> Result:
    """Try a kind some times, each in a folder of its own beside a file that nobody may touch."""
    result = Result(kind)
    canary = folder / "outside.txt"
    memory = peak()
    handles, threads = descriptors(), threading.active_count()
    for number in range(tries):
        work = folder / "work"
        work.mkdir(parents=True)
        canary.write_bytes(CANARY)
        chance = Random(f"{kind.group}/{kind.name}/{seed}/{number}")
        begin, clock = time.process_time(), time.monotonic()
        try:
            outcome = kind.attempt(chance, work)
            result.outcomes[outcome] += 1
        except BaseException as error:
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
            result.failures.append(f"try {number}: {type(error).__name__}: {str(error)[:300]}")
        took = time.process_time() - begin
        result.slowest = max(result.slowest, took)
        if took > kind.seconds or time.monotonic() - clock > 5 * kind.seconds:
            result.failures.append(f"try {number}: took {took:.1f} s of processor time")
        if sorted(path.name for path in folder.iterdir()) != ["outside.txt", "work"]:
            result.failures.append(f"try {number}: something was written outside of its folder")
        elif canary.read_bytes() != CANARY:
            result.failures.append(f"try {number}: a file of somebody else was changed")
        shutil.rmtree(work)
        result.tries += 1
    if peak() - memory > MEGABYTES:
        result.failures.append(f"took {peak() - memory:.0f} MB")
    if descriptors() > handles + 20 or threading.active_count() > threads + 20:
        gc.collect()  # a fifth of a second with all that is loaded here
    if descriptors() > handles + 20:
        result.failures.append(f"left {descriptors() - handles} files open")
    if threading.active_count() > threads + 20:
        result.failures.append(f"left {threading.active_count() - threads} threads")
    return result


def peak() -> float:
    """Return the most memory that this process had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        1024 if sys.platform != "darwin" else 1 << 20
    )


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").is_dir() else 0


def sentence(error: BaseException) -> str:
    """Check that a refusal is one sentence for people."""
    text = str(error)
    assert text.strip(), f"{type(error).__name__} says nothing"
    assert "Traceback" not in text, text
    assert len(text) < SENTENCE, f"{len(text)} characters: {text[:200]}"
    return "refused"


# How a file is damaged: (content, chance) -> content.


def cut(content: bytes, chance: Random) -> bytes:
    return content[: chance.randrange(len(content))]


def flipped(content: bytes, chance: Random) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 3, 20))):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def shuffled(content: bytes, chance: Random) -> bytes:
    """A piece stands where another one should, or twice."""
    first, second = sorted((chance.randrange(len(content)), chance.randrange(len(content))))
    third = chance.randrange(len(content))
    return content[:third] + content[first:second] + content[third:]


def lying(content: bytes, chance: Random) -> bytes:
    """Numbers, written or binary, are other numbers."""
    changed = bytearray(content)
    place = chance.randrange(max(len(changed) - 8, 1))
    wild = chance.choice(
        (b"\xff\xff\xff\xff", b"\x00\x00\x00\x80", b"99999999", b"-1234567", b"\x00\x00\x00\x00")
    )
    digits = [index for index, byte in enumerate(changed) if 48 <= byte < 58]
    if digits and chance.random() < 0.5:
        place, wild = chance.choice(digits), chance.choice((b"9999999999", b"-1", b"0", b"1e999"))
    changed[place : place + len(wild)] = wild
    return bytes(changed)


def with_zeros(content: bytes, chance: Random) -> bytes:
    """A block of the disk is empty."""
    place = chance.randrange(len(content))
    size = chance.choice((1, 16, 512))
    return content[:place] + bytes(min(size, len(content) - place)) + content[place + size :]


DAMAGES = {
    "cut": cut,
    "bits flipped": flipped,
    "pieces moved": shuffled,
    "numbers that lie": lying,
    "zeros inside": with_zeros,
}
