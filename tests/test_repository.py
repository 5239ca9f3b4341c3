"""Promises about the repository: one source of dependencies, README commands that exist, small files."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
import yaml

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def requirement_lines(path: Path) -> list[str]:
    lines = (line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]


def front_matter() -> dict:
    _, header, _ = (ROOT / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(header)


def test_requirements_are_base_and_convert(project):
    expected = project["dependencies"] + project["optional-dependencies"]["convert"]
    assert requirement_lines(ROOT / "requirements.txt") == expected


def imported(paths: list[Path]) -> dict[str, Path]:
    """Top-level packages of others that files import, anywhere in them, and one file each."""
    own = {path.name.removesuffix(".py") for path in ROOT.iterdir()}
    found = {}
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names = [node.module]
            found.update({name.split(".")[0]: path for name in names})
    return {name: path for name, path in found.items() if name not in sys.stdlib_module_names | own}


def plain(requirement: str) -> str:
    return re.match(r"[\w.-]+", requirement)[0].lower().replace("_", "-")


def top_level(package: str) -> set[str]:
    """Return the top-level modules of a package; its own name where it is not installed."""
    try:
        record = distribution(package).read_text("RECORD") or package
    except PackageNotFoundError:
        return {package}
    return {line.partition("/")[0].partition(".")[0] for line in record.splitlines()}


def test_what_is_imported_is_declared(project):
    packages = [path for path in ROOT.iterdir() if path.is_dir() and (path / "__init__.py").is_file()]
    files = [ROOT / "app.py", ROOT / "cli.py"]
    files += [path for package in packages if package.name != "tests" for path in package.rglob("*.py")]
    declared = {plain(line) for line in project["dependencies"]}
    declared |= {plain(line) for lines in project["optional-dependencies"].values() for line in lines}
    provided = {name for package in declared for name in top_level(package)}
    missing = {
        name: str(path.relative_to(ROOT)) for name, path in imported(files).items() if name not in provided
    }
    assert not missing


def test_requirements_stand_alone():
    # A Space mounts this file alone: no other file and no checkout beside it.
    for line in requirement_lines(ROOT / "requirements.txt"):
        assert not line.startswith(("-", ".", "ner-zoo"))


def test_every_dependency_says_why():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = text[text.index("\ndependencies = [") : text.index("[project.scripts]")]
    for line in block.splitlines():
        if re.match(r'\s+"(?!ner-zoo)', line):
            assert "  # " in line, line


def test_spaces_header_names_the_gradio_that_is_tested():
    import gradio

    header = front_matter()
    assert header["sdk"] == "gradio"
    assert header["sdk_version"] == gradio.__version__
    assert (ROOT / header["app_file"]).is_file()
    assert len(header["short_description"]) <= 60


def test_readme_commands_exist():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"^make (\w+)", readme, flags=re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
    for script in set(re.findall(r"python (\w[\w/]*\.py)", readme)):
        assert (ROOT / script).is_file(), script


def test_ci_calls_the_test_command_of_the_readme():
    assert "\nmake test" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "\nmake test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_only_embedded_models_are_large():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True)
    sizes = {
        name: (ROOT / name).stat().st_size
        for name in listed.stdout.split("\0")
        if name and (ROOT / name).exists()
    }
    most = {"minilm-ner": 24_000_000, "multilingual-ner": 40_000_000}
    for name, size in sizes.items():
        if size > 1_000_000:
            model = Path(name).parent.parent.name
            assert Path(name).parts[:3] == ("model_zoo", "models", "public"), name
            assert size <= most[model], name


@pytest.mark.parametrize(
    "package",
    ["ner_core", "ner_app", "ner_commands", "ner_corpora", "ner_documents", "ner_integrations", "model_zoo"],
)
def test_no_module_has_a_name_that_says_nothing(package):
    names = {path.stem for path in (ROOT / package).rglob("*.py")}
    assert not names & {"utils", "util", "helpers", "misc", "common"}
