"""Import Gradio without the type stubs that it makes of its own components each time: a third of its import.

To be imported before Gradio is; then it is an import as any other.
"""

import inspect
import sys
from typing import Any
from unittest.mock import patch

from ner_app.address import check_port

try:
    check_port()  # Gradio reads it when it is imported
except ValueError as error:
    sys.exit(str(error))

_file = inspect.getfile


def _file_of(thing: Any) -> str:
    """Know no file of a component: of one without a file, Gradio makes no stub."""
    if type(thing).__name__ == "ComponentMeta":
        raise OSError
    return _file(thing)


with patch("inspect.getfile", _file_of):
    import gradio  # noqa: F401
