"""YAML of strangers: what repeats or nests without bound is refused before it is built."""

from __future__ import annotations

import os

import pytest

from model_zoo.catalog.errors import CatalogError, ZooError
from model_zoo.catalog.yaml_file import parse_yaml, read_yaml

LAUGHS = "a0: &a0 [x, x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 12)
)
LADDER = "a0: &a0 [x]\n" + "".join(f"a{level}: &a{level} [*a{level - 1}]\n" for level in range(1, 30))


class OtherError(ZooError):
    pass


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (LAUGHS, "at most 100,000 values"),
        (LADDER, "at most 20 levels"),
        ("a: &a [*a]", "line 1: expected no alias, found \\*a"),
        ("a: *b", "line 1: expected no alias"),
        ("a: " + "[" * 30 + "]" * 30, "at most 20 levels"),
        ("a: " + "[" * 5000, "at most 20 levels"),
        ("a: !!python/object/apply:os.getcwd []", "without tags"),
        ("a: 1" + "0" * 5000, "expected YAML"),
        ("[1, 2]", "expected keys and values"),
        ("1: 2", "expected keys and values"),
        ("a: [", "line 2: "),
        ("a: 1\nb: [{x: 1, y: 2,\n  x: 3}]", "line 3: expected each key once, found 'x' again"),
    ],
)
def test_what_has_no_bound_is_refused(text, found):
    with pytest.raises(OtherError, match=found):
        parse_yaml(text, "somewhere", OtherError, aliases=True)


def test_aliases_are_allowed_where_they_are_asked_for():
    text = "base: &base {x: 1}\nmore: {<<: *base, y: 2}"
    assert parse_yaml(text, "f", aliases=True)["more"] == {"x": 1, "y": 2}
    with pytest.raises(CatalogError, match=r"f: line 2: expected no alias, found \*base"):
        parse_yaml(text, "f")


def test_pipes_and_devices_are_no_files(tmp_path):
    pipe, link = tmp_path / "pipe.yml", tmp_path / "link.yml"
    os.mkfifo(pipe)
    link.symlink_to("/dev/zero")
    for path in (pipe, link, tmp_path):
        with pytest.raises(CatalogError, match="expected a file, found something else"):
            read_yaml(path)
