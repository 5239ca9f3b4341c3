"""What the style sheets of a page hide, by class or id: https://www.w3.org/TR/css-syntax-3/.

Only what is surely hidden counts: not what another rule for the same class shows, perhaps after a click or
on a wide screen, and not what is hidden within an at-rule, such as one for printing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Styles", "display_of"]

_DISPLAY = re.compile(r"(?:^|;)\s*display\s*:\s*([a-z-]+)", re.IGNORECASE)
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
#: An element, classes and ids, without what depends on the state of an element or on other elements.
_COMPOUND = re.compile(r"(?:[.#]?(?:[\w-]|\\.)+)+")
_KEY = re.compile(r"[.#]?(?:[\w-]|\\.)+")


def display_of(style: str) -> str:
    """Return the value of ``display`` in declarations, empty if they have none."""
    told = _DISPLAY.search(style)
    return told[1].lower() if told else ""


class Styles:
    """The rules that hide elements.

    Parameters
    ----------
    sheets : str
        Style sheets.

    Examples
    --------
    >>> hidden = ".x, .tab {display: none} @media print {.y {display: none}}"
    >>> styles = Styles(f"{hidden} .tab.open {{display: block}}")
    >>> [styles.hide("p", {"class": names}) for names in ("a x", "tab", "tab open", "y")]
    [True, True, False, False]
    """

    def __init__(self, sheets: str) -> None:
        self._hiding: dict[str, list[frozenset[str]]] = {}
        self._showing: list[tuple[frozenset[str], bool]] = []
        for selectors, style, nested in _rules(_COMMENT.sub("", sheets)):
            display = display_of(style)
            for selector in selectors.split(",") if display else ():
                compound = _COMPOUND.match(re.split(r"[\s>+~]+", selector.strip())[-1])
                keys = frozenset(
                    key.replace("\\", "") for key in _KEY.findall(compound[0] if compound else "")
                )
                name = max(keys, key=lambda key: key[:1] in ".#", default="")
                if not name.startswith((".", "#")):
                    continue
                if display != "none":
                    self._showing.append((keys, nested))
                elif not nested and compound and compound[0] == selector.strip():
                    self._hiding.setdefault(name, []).append(keys)

    def hide(self, tag: str, attributes: Mapping[str, str | None]) -> bool:
        """Return whether the rules hide an element."""
        if not self._hiding:
            return False
        own = {
            tag,
            f"#{attributes.get('id')}",
            *(f".{name}" for name in (attributes.get("class") or "").split()),
        }
        return any(
            keys <= own
            and not any(shown <= own and (nested or keys <= shown) for shown, nested in self._showing)
            for name in own
            for keys in self._hiding.get(name, ())
        )


def _rules(sheets: str) -> Iterator[tuple[str, str, bool]]:
    """Yield the selectors of each rule, its declarations, and whether an at-rule holds it."""
    opened: list[str] = []
    pieces = re.split("([{}])", sheets)
    for text, border in zip(pieces[::2], pieces[1::2], strict=False):
        if border == "{":
            opened.append(text.rpartition(";")[2])
        elif opened:
            yield opened.pop(), text, bool(opened)
