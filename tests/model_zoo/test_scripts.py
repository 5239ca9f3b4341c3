"""Every command runs as a script from any folder, and sees the packages, not the modules beside it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted(
    path.name
    for path in (ROOT / "model_zoo").glob("*.py")
    if "if not __package__" in path.read_text(encoding="utf-8")
)
#: Runs a script as Python does, and then prints the path of modules.
AS_A_SCRIPT = """
import runpy, sys
folder, script = sys.argv[1:]
sys.path[0], sys.argv[1:] = folder, ["--help"]
try:
    runpy.run_path(f"{folder}/{script}", run_name="__main__")
except SystemExit:
    print(*sys.path, sep="\\n")
"""


def test_these_are_scripts():
    assert {"downloader.py", "converter.py", "quantizer.py", "info_dumper.py", "finetuner.py"} <= set(SCRIPTS)


def test_no_module_is_called_as_one_of_python():
    """A script's first imports find the modules beside it; ``compression`` is Python's own since 3.14."""
    names = {path.stem for path in (ROOT / "model_zoo").glob("*.py")}
    assert not names & (set(sys.stdlib_module_names) | {"compression"})


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_leaves_its_own_folder_off_the_path(script, tmp_path):
    folder = ROOT / "model_zoo"
    done = subprocess.run(
        [sys.executable, "-c", AS_A_SCRIPT, str(folder), script],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True,
    )
    said = done.stdout.splitlines()
    path = said[said.index(str(ROOT)) :]
    assert said[0].startswith("usage: ")
    assert str(folder) not in path
