"""Attack everything that reads untrusted input, and write the results into a table.

    python -m benchmarks.attacks --tries 30 --write benchmarks/attacks.md
    python -m benchmarks.attacks --tries 20 --group "full disk" --write benchmarks/attacks.md

The kinds are those of `tests/attacks`, of which `pytest` tries a few. They run in a separate process, so that
a crash is a line of the table as well. A try fails if it raises anything but a message for users, takes more
than 30 s of the processor or 700 MB, writes outside its folder, leaves files open, loses a file, or gives a
wrong answer.
"""

from __future__ import annotations

import functools
import multiprocessing
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import command_line
from tests.attacks import (
    calls,
    checkpoints,
    command_disks,
    costly_documents,
    documents,
    formats,
    keys,
    models,
    page,
    page_disks,
    runs,
    workbooks,
    zoo_disks,
)
from tests.attacks.attack import Kind, Result, attack

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Mapping

BEGIN, END = "<!-- attacks: begin -->", "<!-- attacks: end -->"
_MODULES = (
    *(documents, costly_documents, workbooks, keys, models, checkpoints, formats, runs),
    *(zoo_disks, page_disks, command_disks, calls, page),
)


@functools.cache
def all_kinds() -> dict[tuple[str, str], Kind]:
    """Return every kind by group and name."""
    found = [kind for module in _MODULES for kind in module.kinds()]
    named = {(kind.group, kind.name): kind for kind in found}
    if len(named) != len(found):
        msg = "two kinds have one name"
        raise ValueError(msg)
    return named


def tried(key: tuple[str, str], tries: int, seed: int) -> tuple[int, Counter[str], list[str], float]:
    """Try a kind in this process; return values that can be pickled."""
    with tempfile.TemporaryDirectory() as folder:
        result = attack(all_kinds()[key], tries, Path(folder) / "here", seed)
    return result.tries, result.outcomes, result.failures, result.slowest


def run_all(keys: list[tuple[str, str]], tries: int, seed: int = 0) -> list[Result]:
    """Try kinds in a separate process, and in a new one after a crash."""
    kinds, results = all_kinds(), []
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(1, context)
    for key in keys:
        result = Result(kinds[key])
        try:
            result.tries, result.outcomes, result.failures, result.slowest = pool.submit(
                tried, key, -(-tries // 6) if kinds[key].costly else tries, seed
            ).result()
        except BrokenProcessPool:
            result.tries, result.failures = tries, ["the process crashed"]
            pool = ProcessPoolExecutor(1, context)
        results.append(result)
        for failure in result.failures[:3]:
            print(f"{key[0]}, {key[1]}: {failure}", file=sys.stderr)
    pool.shutdown()
    return results


Row = tuple[int, str]


def row(result: Result) -> Row:
    """Return the number of tries of a kind, and their outcomes."""
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in result.outcomes.most_common())
    failed = f"**{len(result.failures)} failed**: {result.failures[0][:80]}" if result.failures else ""
    return result.tries, "; ".join(filter(None, (outcomes, failed))).replace("|", "\\|")


def table(rows: Mapping[tuple[str, str], Row]) -> str:
    """Write the outcomes as a Markdown table."""
    lines = ["| aimed at | attack or fault | tries | what came of it |", "|---|---|---|---|"]
    lines += [f"| {group} | {name} | {tries} | {came} |" for (group, name), (tries, came) in rows.items()]
    failures = sum("**" in came for _, came in rows.values())
    head = f"{len(rows)} kinds, {sum(tries for tries, _ in rows.values()):,} tries; {failures} kinds failed."
    return f"{head}\n\n" + "\n".join(lines)


def rows_of(text: str) -> dict[tuple[str, str], Row]:
    r"""Read the rows of a table.

    Examples
    --------
    >>> rows_of("1 kinds, 3 tries\n\n| aimed at | x | tries | y |\n|---|---|---|---|\n| a | b | 3 | 3 read |")
    {('a', 'b'): (3, '3 read')}
    """
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().removeprefix("|").split(" | ", 3)]
        if len(cells) == 4 and cells[2].isdigit():
            found[cells[0], cells[1]] = int(cells[2]), cells[3].removesuffix("|").strip()
    return found


def written(text: str, rows: Mapping[tuple[str, str], Row]) -> str:
    """Replace rows of the table between the marks of a text; the others stay."""
    before, _, rest = text.partition(BEGIN)
    old, _, after = rest.partition(END)
    every = rows_of(old) | dict(rows)
    kept = {key: every[key] for key in all_kinds() if key in every}
    return f"{before}{BEGIN}\n{table(kept)}\n{END}{after}"


def main() -> int:
    """Run the attacks; 1 if one of them succeeded."""
    parser = command_line(__doc__)
    parser.add_argument("--tries", type=int, default=30, help="of each kind; a sixth of this for slow ones")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--group", action="append", help="only this group; repeatable")
    parser.add_argument("--name", default="", help="only kinds whose name begins with this")
    parser.add_argument("--write", type=Path, help="update these rows of the table in this file")
    options = parser.parse_args()
    keys = [key for key in all_kinds() if not options.group or key[0] in options.group]
    keys = [key for key in keys if key[1].startswith(options.name)]
    if not keys:
        groups = ", ".join(sorted({group for group, _ in all_kinds()}))
        parser.error(f"no kind of attack has this group and name; the groups are: {groups}")
    results = run_all(keys, options.tries, options.seed)
    rows = {(one.kind.group, one.kind.name): row(one) for one in results}
    if options.write:
        options.write.write_text(written(options.write.read_text("utf-8"), rows), "utf-8")
    print(table(rows))
    return int(any(one.failures for one in results))


if __name__ == "__main__":
    sys.exit(main())
