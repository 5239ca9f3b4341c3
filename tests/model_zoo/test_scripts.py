"""Every command runs as a script from any folder, and sees the packages, not the modules beside it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from model_zoo import __main__ as commands
from model_zoo import quantizer

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted(
    path.name
    for path in (ROOT / "model_zoo").glob("*.py")
    if "if not __package__" in path.read_text(encoding="utf-8")
)
#: Runs each script as Python does, and after it prints the path of modules: what they share is imported once.
AS_SCRIPTS = """
import json, runpy, sys
folder, *scripts = sys.argv[1:]
path = sys.path[1:]
for script in scripts:
    sys.path[:], sys.argv[1:] = [folder, *path], ["--help"]
    try:
        runpy.run_path(f"{folder}/{script}", run_name="__main__")
    except SystemExit:
        print(end=f"\\0{json.dumps(sys.path)}\\0")
"""


def test_these_are_scripts():
    assert {"downloader.py", "converter.py", "quantizer.py", "info_dumper.py", "finetuner.py"} <= set(SCRIPTS)


def test_no_module_is_called_as_one_of_python():
    """A script's first imports find the modules beside it; ``compression`` is Python's own since 3.14."""
    names = {path.stem for path in (ROOT / "model_zoo").glob("*.py")}
    assert not names & (set(sys.stdlib_module_names) | {"compression"})


@pytest.mark.parametrize(
    ("module", "arguments"),
    [("model_zoo.__main__", ["download"]), ("model_zoo.__main__", ["add"]), ("model_zoo.quantizer", [])],
)
def test_usage_names_what_was_typed(module, arguments, capsys, monkeypatch):
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", SimpleNamespace(name=module), raising=False)
    monkeypatch.setattr(sys, "argv", ["model_zoo", *arguments, "--help"])
    with pytest.raises(SystemExit):
        commands.main([*arguments, "--help"]) if arguments else quantizer.main(["--help"])
    typed = " ".join(["python -m", module.removesuffix(".__main__"), *arguments])
    assert capsys.readouterr().out.startswith(f"usage: {typed} [-h]")


def test_scripts_leave_their_own_folder_off_the_path(tmp_path):
    folder = str(ROOT / "model_zoo")
    command = [sys.executable, "-c", AS_SCRIPTS, folder, *SCRIPTS]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True)
    *said, rest = done.stdout.split("\0")
    assert rest == ""
    for script, told, after in zip(SCRIPTS, said[::2], said[1::2], strict=True):
        path = json.loads(after)
        assert told.startswith("usage: "), script
        assert path[0] == str(ROOT), script
        assert folder not in path, script
