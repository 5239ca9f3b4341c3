"""Read untrusted YAML: plain values only, unique keys, bounded size, depth and number of values.

Tags that construct objects are refused. An alias repeats everything below its anchor, so that ten lines can
expand to a billion values: where aliases are allowed, the values are counted after expansion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from model_zoo.catalog.errors import CatalogError, ZooError, told_by_system
from model_zoo.catalog.messages import shown

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["parse_yaml", "read_yaml"]

_LARGEST = 1 << 20  # bytes; the largest model.yml of Open Model Zoo has 23 kB
_DEEPEST = 20  # levels of keys and lists; Open Model Zoo needs 4
_MOST_VALUES = 100_000  # after aliases are expanded
# Message of PyYAML 6.0.4 when its scanner looks ahead beyond 1,000 levels.
_LIBYAML_TOO_DEEP = "exceeded maximum nesting depth"


def read_yaml(path: Path, error: type[ZooError] = CatalogError, *, aliases: bool = False) -> dict[str, Any]:
    """Read a YAML file that holds a mapping.

    Parameters
    ----------
    path : Path
        At most 1 MiB of UTF-8.
    error : type
        Exception type to raise; its message names file and line, expected and found.
    aliases : bool
        As for `parse_yaml`.

    Returns
    -------
    dict
        The keys are strings.
    """
    try:
        if path.exists() and not path.is_file():  # reading a pipe blocks, a device may never end
            msg = f"{path}: expected a file, found something else"
            raise error(msg)
        size = path.stat().st_size
        if size > _LARGEST:
            msg = f"{path}: expected at most {_LARGEST} bytes, found {size}"
            raise error(msg)
        text = path.read_text(encoding="utf-8")
    except OSError as problem:
        raise error(told_by_system(problem, path)) from None
    except UnicodeDecodeError as problem:
        msg = f"{path}: expected UTF-8 text, found: {problem}"
        raise error(msg) from None
    return parse_yaml(text, str(path), error, aliases=aliases)


def parse_yaml(
    text: str, where: str, error: type[ZooError] = CatalogError, *, aliases: bool = False
) -> dict[str, Any]:
    r"""Parse a YAML mapping; the caller bounds the length of the text.

    Parameters
    ----------
    text : str
        YAML.
    where : str
        Start of error messages.
    error : type
        Exception type to raise.
    aliases : bool
        Whether to allow aliases, up to 100,000 values after expansion.

    Returns
    -------
    dict
        The keys are strings.

    Examples
    --------
    >>> parse_yaml("a: &x [1, 2]\nb: *x", "text", aliases=True)
    {'a': [1, 2], 'b': [1, 2]}
    """
    kind: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _check_events(yaml.parse(text, Loader=kind), where, error, aliases)
        loader = kind(text)
        node = loader.get_single_node()
        _check_keys(node, where, error)
        given = None if node is None else loader.construct_document(node)
    except yaml.MarkedYAMLError as problem:
        if problem.problem == _LIBYAML_TOO_DEEP:
            raise error(_too_deep(where)) from None
        line = _line(problem.problem_mark)
        why = ", ".join(filter(None, (problem.context, problem.problem)))
        msg = f"{where}: {line}expected plain YAML without tags: {why}"
        raise error(msg) from None
    except (yaml.YAMLError, RecursionError, ValueError) as problem:
        if isinstance(problem, error):
            raise
        msg = f"{where}: expected YAML, found: {problem or 'nesting without end'}"
        raise error(msg) from None
    if not isinstance(given, dict) or not all(isinstance(key, str) for key in given):
        msg = f"{where}: expected keys and values, found {shown(given)}"
        raise error(msg)
    return given


def _check_events(events: Iterable[yaml.Event], where: str, error: type[ZooError], aliases: bool) -> None:
    """Bound depth and number of values, with aliases expanded, while the text is parsed."""
    anchors: dict[str, tuple[int, int]] = {}  # values, and levels below
    nested: list[list[Any]] = [
        [None, 0, 0]
    ]  # anchor, values, levels of each open collection, outermost first
    for event in events:
        if isinstance(event, yaml.CollectionStartEvent):
            nested.append([event.anchor, 1, 0])
            if len(nested) > _DEEPEST + 1:
                raise error(_too_deep(where))
            continue
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, values, levels = nested.pop()
            levels += 1
        elif isinstance(event, yaml.ScalarEvent):
            anchor, values, levels = event.anchor, 1, 0
        elif isinstance(event, yaml.AliasEvent):
            if not aliases or event.anchor not in anchors:  # or an alias inside its own anchor
                msg = f"{where}: {_line(event.start_mark)}expected no alias, found *{event.anchor}"
                raise error(msg)
            anchor, (values, levels) = None, anchors[event.anchor]
        else:
            continue
        if anchor:
            anchors[anchor] = (values, levels)
        outer = nested[-1]
        outer[1] += values
        outer[2] = max(outer[2], levels)
        if outer[1] > _MOST_VALUES:
            msg = f"{where}: expected at most {_MOST_VALUES:,} values, found more"
            raise error(msg)
        if len(nested) - 1 + outer[2] > _DEEPEST:
            raise error(_too_deep(where))


def _check_keys(node: yaml.Node | None, where: str, error: type[ZooError]) -> None:
    """Refuse duplicate keys, as the YAML standard does; PyYAML takes the last value."""
    waiting, seen = [node], set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen or not isinstance(node, yaml.CollectionNode):
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
            continue
        names: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in names:
                    line = _line(key.start_mark)
                    msg = f"{where}: {line}expected each key once, found {shown(key.value)} again"
                    raise error(msg)
                names.add(key.value)
            waiting.append(value)


def _too_deep(where: str) -> str:
    return f"{where}: expected at most {_DEEPEST} levels of keys and lists, found more"


def _line(mark: Any) -> str:
    return f"line {mark.line + 1}: " if mark is not None else ""
