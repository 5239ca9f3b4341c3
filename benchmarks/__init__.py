"""Side-by-side measurements against what people use instead; scripts, not tests. See README.md."""

from __future__ import annotations

import argparse

__all__ = ["command_line"]


def command_line(description: str | None) -> argparse.ArgumentParser:
    """Return a parser whose help shows a docstring with its lines as they are."""
    return argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
