"""Commands of Open Model Zoo's READMEs, run by its own tools and by ours: files, events and exit statuses.

    python benchmarks/open_model_zoo.py CHECKOUT [--limit N] [--details]

CHECKOUT is a clone of https://github.com/openvinotoolkit/open_model_zoo. Every ``omz_downloader`` and
``omz_info_dumper`` in its Markdown files is run twice, each time in a new folder as the current one: by the
clone's own code, and by this project's command of that name. Models keep their model.yml, except that files
are small ones made here and served on the loopback; archives hold what the steps after the download look for.

The table has a row for each command: how many runs, in how many of them exit status, names and bytes of all
files, and events (or the dump) are equal. ``omz_converter`` is not compared: the peer's needs `mo`, which
left OpenVINO in 2025.0.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import warnings
import zipfile
from collections import defaultdict
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
#: What is run for a command; the peer's modules are called ``omz_<tool>``, ours ``<tool>``.
THEIRS = "from omz_tools.omz_{tool} import main; main()"
OURS = "import sys; from model_zoo.{tool} import omz; sys.exit(omz())"
COMMAND = re.compile(r"(?<![\w/])(omz_(?:downloader|info_dumper) +-[^#|`\n]*)")
TAR_MODES = {"tar": "w", "gztar": "w:gz", "bztar": "w:bz2", "xztar": "w:xz"}


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves a folder without a line for each request."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def matching_text(pattern: str, count: int) -> bytes:
    """Return a text in which the pattern occurs, so often that a step with this count passes."""
    from hypothesis import strategies
    from hypothesis.errors import NonInteractiveExampleWarning, Unsatisfiable

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NonInteractiveExampleWarning)
        examples = strategies.from_regex(pattern, fullmatch=True)
        for _ in range(20):
            with contextlib.suppress(UnicodeEncodeError, Unsatisfiable):
                text = "\n".join(["start", *[examples.example()] * max(1, count), "end"])
                if len(re.findall(pattern, text)) >= max(1, count):
                    return text.encode() + b"\n"
    return b""


def pack(kind: str, members: dict[str, bytes]) -> bytes:
    """Return an archive."""
    buffer = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return buffer.getvalue()
    with tarfile.open(fileobj=buffer, mode=TAR_MODES[kind]) as tar:  # type: ignore[call-overload]
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def shrink(config: Path, web: Path, address: str) -> None:
    """Give a model small files, made here, with the names and the steps that it has."""
    content = yaml.safe_load(config.read_text(encoding="utf-8"))
    made = {file["name"]: f"{file['name']} of {config.parent.name}\n".encode() for file in content["files"]}
    steps = content.get("postprocessing", [])
    archives = {step["file"]: step for step in steps if step["$type"] == "unpack_archive"}
    members: dict[str, dict[str, bytes]] = {name: {"inside.txt": b"inside\n"} for name in archives}
    texts: dict[str, bytes] = defaultdict(bytes)
    replacing = [step for step in steps if step["$type"] == "regex_replace"]
    for step in replacing:
        texts[step["file"]] += matching_text(step["pattern"], step.get("count", 0))
    left = dict(texts)
    for step in replacing:
        count = step.get("count", 0)
        replaced, times = re.subn(
            step["pattern"], step["replacement"], left[step["file"]].decode(), count=count
        )
        if not times or times != (count or times):
            steps.remove(step)  # no text could be made up for it, or another step's does not bear it
        else:
            left[step["file"]] = replaced.encode()
    for name, text in texts.items():
        if name in made:
            made[name] = text
            continue
        for archive in archives:
            folder = PurePosixPath(archive).parent
            if PurePosixPath(name).is_relative_to(folder):
                members[archive][PurePosixPath(name).relative_to(folder).as_posix()] = text
                break
    for name, step in archives.items():
        made[name] = pack(step["format"], members[name])
    for file in content["files"]:
        path = web / config.parent.name / file["name"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(made[file["name"]])
        file["size"] = len(made[file["name"]])
        file["checksum"] = hashlib.sha384(made[file["name"]]).hexdigest()
        file["source"] = f"{address}/{config.parent.name}/{file['name']}"
        file.pop("original_source", None)
    config.write_text(yaml.safe_dump(content), encoding="utf-8")


def commands_of(checkout: Path) -> dict[tuple[str, ...], list[tuple[str, Path]]]:
    """Return each command as written, with the words that it is run with and the folder of its README."""
    found: dict[tuple[str, ...], list[tuple[str, Path]]] = defaultdict(list)
    for readme in sorted(checkout.rglob("*.md")):
        for match in COMMAND.finditer(readme.read_text(encoding="utf-8", errors="replace")):
            written = match[1].strip()
            run = written.replace("<model_name>", readme.parent.name)
            found[tuple(written.split())].append((run, readme.parent))
    return found


def snapshot(folder: Path) -> dict[str, str]:
    """Return the hash of each file below a folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def run(code: str, words: list[str], start: Path, path: str) -> dict[str, Any]:
    """Run one command in a new folder, which has the lists of models of its README's folder."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for listed in start.glob("*.lst"):
            shutil.copyfile(listed, folder / listed.name)
        done = subprocess.run(
            [sys.executable, "-c", code.format(tool=words[0].removeprefix("omz_")), *words[1:]],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": path, "NER_MODELS_DIR": str(folder / "not here")},
            capture_output=True,
            text=True,
            check=False,
        )
        said: Any = done.stdout
        if words[0] == "omz_downloader":
            said = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
        return {"status": done.returncode, "files": snapshot(folder), "said": said, "errors": done.stderr}


def main() -> None:
    """Compare, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkout", type=Path, metavar="CHECKOUT")
    parser.add_argument("--limit", type=int, metavar="N", help="runs of each command at most")
    parser.add_argument("--details", action="store_true", help="say what differs")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        omz, web = Path(name) / "omz", Path(name) / "web"
        web.mkdir()
        handler = functools.partial(QuietHandler, directory=str(web))
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        shutil.copytree(arguments.checkout / "tools/model_tools", omz / "tools/model_tools")
        shutil.copytree(arguments.checkout / "models", omz / "models")
        (omz / "data").mkdir()
        shutil.copy(arguments.checkout / "data/dataset_definitions.yml", omz / "data")
        for config in (omz / "models").rglob("model.yml"):
            shrink(config, web, f"http://127.0.0.1:{server.server_port}")
        theirs = str(omz / "tools/model_tools/src")
        zoo = ["--zoo", str(omz / "models")]
        sys.stdout.write(f"{'command':58}{'runs':>6}{'status':>8}{'files':>7}{'said':>6}\n")
        for command, runs in commands_of(arguments.checkout).items():
            equal = dict.fromkeys(("status", "files", "said"), 0)
            for line, folder in runs[: arguments.limit]:
                words = line.replace("DIR", "there").split()
                if words[0] == "omz_downloader" and not any("progress_format" in word for word in words):
                    words.append("--progress_format=json")
                peer = run(THEIRS, words, folder, theirs)
                ours = run(OURS, [*words, *zoo], folder, str(ROOT))
                for part in equal:
                    equal[part] += peer[part] == ours[part]
                    if peer[part] != ours[part] and arguments.details:
                        sys.stdout.write(f"  {line} ({folder.name}): {part} differ\n")
                        for who, what in (("theirs", peer), ("ours", ours)):
                            sys.stdout.write(f"    {who}: {str(what[part])[:600]} {what['errors'][-300:]}\n")
            count = len(runs[: arguments.limit])
            text = " ".join(command)
            sys.stdout.write(f"{text:58}{count:6}{equal['status']:8}{equal['files']:7}{equal['said']:6}\n")
            sys.stdout.flush()
        server.shutdown()


if __name__ == "__main__":
    main()
