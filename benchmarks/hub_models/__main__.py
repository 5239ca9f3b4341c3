"""Make the table of docs/hub-models.md; see the package."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.hub_models.families import FAMILIES
from benchmarks.hub_models.runner import Result, local_hub, run_family
from benchmarks.hub_models.table import to_markdown

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("families", nargs="*", help="only these families")
    parser.add_argument("--output", type=Path, help="write the table here")
    parser.add_argument("--results", type=Path, help="JSON file to store results in, and to resume from")
    given = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    kept = json.loads(given.results.read_text()) if given.results and given.results.is_file() else {}
    results = [Result(family, **kept[family.name]) for family in FAMILIES if family.name in kept]
    with local_hub() as hub:
        for family in FAMILIES:
            if family.name in kept or (given.families and family.name not in given.families):
                continue
            began = time.perf_counter()
            with tempfile.TemporaryDirectory(prefix="family-") as work:
                results.append(run_family(family, Path(work), hub))
            sys.stderr.write(f"{_line(results[-1])} ({time.perf_counter() - began:.0f} s)\n")
            if given.results:
                given.results.write_text(
                    json.dumps({one.family.name: _kept(one) for one in results}, indent=1)
                )
    results.sort(key=lambda result: FAMILIES.index(result.family))
    if given.output:
        given.output.write_text(to_markdown(results), encoding="utf-8")
    return 0


def _line(result: Result) -> str:
    counts = " ".join(f"{name} {list(texts.values())}" for name, texts in result.texts.items())
    done = f"fetched {len(result.fetched)}, read {len(result.read)}"
    return f"{result.family.name}: {done}, {counts or result.problem}"


def _kept(result: Result) -> dict[str, Any]:
    return {key: value for key, value in vars(result).items() if key != "family"}


if __name__ == "__main__":
    sys.exit(main())
