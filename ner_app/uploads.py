"""Failed uploads leave no files behind.

Gradio's form parser deletes its files when the form is malformed, but not when the disk is full, the visitor
leaves, or a file has an unexpected field name.
"""

from __future__ import annotations

import contextlib
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio.route_utils

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["unfinished_deleted"]

#: The files that the forms of this request are written to before they get their names.
_FILES: ContextVar[list[list[Any]] | None] = ContextVar("files of a form", default=None)


class _Parser(gradio.route_utils.GradioMultiPartParser):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if (files := _FILES.get()) is not None:
            files.append(self._files_to_close_on_error)


gradio.route_utils.GradioMultiPartParser = _Parser  # type: ignore[misc]


@contextmanager
def unfinished_deleted() -> Iterator[None]:
    """Delete the files that forms read inside have written and not renamed by the end."""
    files: list[list[Any]] = []
    token = _FILES.set(files)
    try:
        yield
    finally:
        _FILES.reset(token)
        for file in (file for several in files for file in several):
            with contextlib.suppress(OSError):
                file.close()
            with contextlib.suppress(OSError):
                Path(file.name).unlink(missing_ok=True)
