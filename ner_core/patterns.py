"""Regular expressions of untrusted files: whether matching one could take time without bound."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["may_never_end"]

_SLOWEST = 2  # unbounded repetitions in one alternative; n of them take time to the n-th power of the length

_PARTS = re.compile(
    r"""(?P<set>\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\])
      | (?P<escape>\\(?:[pP]\{[^}]*\}|x\{[^}]*\}|.))
      | (?P<open>\((?:\?(?:[a-zA-Z-]*:|[=!>]|<[=!]|<\w+>|[a-zA-Z-]+\)))?)
      | (?P<close>\))
      | (?P<or>\|)
      | (?P<many>(?:[*+]|\{\d*,\})[?+]?)
      | (?P<few>(?:\?|\{\d+(?:,\d+)?\})[?+]?)
      | (?P<char>.)""",
    re.VERBOSE | re.DOTALL,
)


def may_never_end(pattern: str) -> bool:
    r"""Return whether matching can take more than quadratic time.

    A repeated group that contains a repetition or a choice can match a text in exponentially many ways; three
    repetitions in a row take cubic time. The patterns of published tokenizers have at most two.

    Examples
    --------
    >>> gpt2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
    >>> [may_never_end(text) for text in (gpt2, r"(?:\d{3})+", "(a+)+$", "(a|a)*b", "a*a*a*b")]
    [False, False, True, True, True]
    """
    inside = [_Group()]
    closed: _Group | None = None  # the group that has just been closed
    for part in _PARTS.finditer(pattern):
        kind, current = part.lastgroup, inside[-1]
        before, closed = closed, None
        if kind == "open" and not part[0].endswith(")"):  # else (?i) alone
            inside.append(_Group())
        elif kind == "close" and len(inside) > 1:
            closed = inside.pop()
            inside[-1].repetitions += max(closed.repetitions, closed.most)
            inside[-1].varies |= closed.varies
        elif kind == "or":
            current.most, current.repetitions = max(current.most, current.repetitions), 0
            current.varies = True
        elif kind in ("many", "few"):
            once = part[0].startswith("?")
            if before is not None and before.varies and not once:
                return True
            current.varies |= kind == "many" or once or "," in part[0]
            current.repetitions += kind == "many"
        if inside[-1].repetitions > _SLOWEST:
            return True
    return False


@dataclass
class _Group:
    """Properties of a group in a pattern.

    Attributes
    ----------
    repetitions, most : int
        Unbounded repetitions in this alternative, and the maximum of those before it.
    varies : bool
        Whether it can match more than one length, or in more than one way.
    """

    repetitions: int = 0
    most: int = 0
    varies: bool = False
