"""Compare commands of Open Model Zoo's READMEs and CI, run by its own tools and by ours.

    python -m benchmarks.open_model_zoo CHECKOUT [--tool T] [--matching REGEX] [--limit N] [--details]

CHECKOUT is a clone of https://github.com/openvinotoolkit/open_model_zoo. Every ``omz_…`` command in its
Markdown files, and those that its CI builds (demos/tests/run_tests.py), is run twice, each time in a new
working folder: by the clone's own code, and by this project's command of that name. Models keep their
model.yml, but with small generated files on a local server; archives hold what the postprocessing needs, and
bert-base-ner is a tiny network of that layout.

`mo` left OpenVINO in 2025.0, so the peer's converter gets a replacement that returns a ready IR: all its
conversions succeed.

The table has a row for each kind of command: the number of runs, and in how many of them the exit status, the
names and bytes of all files (of a conversion: names only), and the output are equal.
"""

from __future__ import annotations

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

import numpy as np
import yaml

from benchmarks import command_line

ROOT = Path(__file__).resolve().parents[1]
#: The code of a command; the peer's modules are called ``omz_<tool>``, ours ``<tool>``.
THEIRS = "from omz_tools.omz_{tool} import main; main()"
OURS = "import sys; from model_zoo.{tool} import omz; sys.exit(omz())"
TOOLS = ("downloader", "info_dumper", "converter")
COMMAND = re.compile(rf"(?<![\w/])(omz_(?:{'|'.join(TOOLS)}) +-[^#|`\n]*)")
JOBS = re.compile(r" (-j|--jobs)")
#: What demos/tests/run_tests.py of the peer runs in its CI, with the folders that it names.
OF_CI = (
    "omz_downloader -o there --cache_dir kept --list models.lst --precisions FP16,FP16-INT8 --jobs 9",
    "omz_converter --download_dir there --list models.lst --precisions FP16,FP16-INT8 --jobs auto",
    "omz_info_dumper --all",
)
TAR_MODES = {"tar": "w", "gztar": "w:gz", "bztar": "w:bz2", "xztar": "w:xz"}


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves a folder without a line for each request."""

    def log_message(self, *_: object) -> None:
        """Discard the line."""


def matching_text(pattern: str, count: int) -> bytes:
    """Return a text in which the pattern occurs often enough for a step with this count."""
    from hypothesis import strategies
    from hypothesis.errors import NonInteractiveExampleWarning, Unsatisfiable

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NonInteractiveExampleWarning)
        examples = strategies.from_regex(pattern, fullmatch=True)
        for _ in range(20):
            with contextlib.suppress(UnicodeEncodeError, Unsatisfiable):
                text = "\n".join(["start", *[examples.example()] * max(1, count), "end"])
                if "\r" not in text and len(re.findall(pattern, text)) >= max(1, count):
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


def shrink(config: Path, web: Path, address: str, own: dict[str, bytes]) -> None:
    """Replace the files of a model by small ones, generated or its `own`, that its steps can process."""
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
            steps.remove(step)  # no text could be generated that fits it and the other steps
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
    made |= own
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
    """Return each command, with the lines that it was written in and the folders of their READMEs."""
    found: dict[tuple[str, ...], list[tuple[str, Path]]] = defaultdict(list)
    for readme in sorted(checkout.rglob("*.md")):
        for match in COMMAND.finditer(readme.read_text(encoding="utf-8", errors="replace")):
            written = match[1].strip()
            run = written.replace("<model_name>", readme.parent.name)
            found[tuple(written.split())].append((run, readme.parent))
    of_ci = [*OF_CI, *(f"omz_{tool} --print_all" for tool in TOOLS)]
    for written in of_ci:
        found[tuple(written.split())].append((written, checkout / "demos/object_detection_demo/python"))
    return found


def snapshot(folder: Path) -> dict[str, str]:
    """Return the hash of each file below a folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def tiny_checkpoint(folder: Path) -> dict[str, bytes]:
    """Return the files of a tiny network of bert-base-ner's layout."""
    import torch
    from transformers import BertConfig, BertForTokenClassification

    labels = ["O", "B-MISC", "I-MISC", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz", "mary", "##s"]
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        id2label=dict(enumerate(labels)),
        architectures=["BertForTokenClassification"],
    )
    BertForTokenClassification(config).save_pretrained(folder)
    weights = io.BytesIO()
    torch.save(BertForTokenClassification(config).state_dict(), weights)
    return {
        "bert-base-ner/config.json": (folder / "config.json").read_bytes(),
        "bert-base-ner/pytorch_model.bin": weights.getvalue(),
        "bert-base-ner/vocab.txt": "".join(f"{piece}\n" for piece in vocabulary).encode(),
    }


def stand_in(folder: Path) -> list[str]:
    """Write a `mo` that returns a ready IR, and a Python that runs nothing else; return the flags."""
    import openvino as ov
    from openvino import opset13

    folder.mkdir()
    x = opset13.parameter([1, 2], np.float32, name="x")
    ov.save_model(ov.Model([opset13.relu(x)], [x], "made"), folder / "made.xml")
    python = folder / "python"
    python.write_text(
        "#!/bin/sh\n"
        'for word in "$@"; do case "$word" in\n'
        "  --output_dir=*) out=${word#*=};; --model_name=*) name=${word#*=};; esac; done\n"
        '[ -z "$name" ] && exit 0\n'
        f'mkdir -p "$out" && cp {folder}/made.xml "$out/$name.xml" && cp {folder}/made.bin "$out/$name.bin"\n'
    )
    python.chmod(0o755)
    (folder / "mo.py").touch()
    return ["--mo", str(folder / "mo.py"), "--python", str(python)]


def run(code: str, words: list[str], start: Path, path: str, given: Path | None = None) -> dict[str, Any]:
    """Run one command in a new folder with the lists of models of its README's folder.

    `given` is a folder with downloaded models, for conversions.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given:
            flags = [words.index(flag) for flag in ("--download_dir", "-d") if flag in words]
            into = folder / words[flags[0] + 1] if flags else folder
            shutil.copytree(given / "public", into / "public", copy_function=os.link)
        for listed in start.glob("*.lst"):
            shutil.copyfile(listed, folder / listed.name)
        before = {path for path in folder.rglob("*") if path.is_file()}
        done = subprocess.run(
            [sys.executable, "-c", code.format(tool=words[0].removeprefix("omz_")), *words[1:]],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": path, "NER_MODELS_DIR": str(folder / "not here")},
            capture_output=True,
            text=True,
            check=False,
        )
        result: dict[str, Any] = {"status": done.returncode, "said": done.stdout, "errors": done.stderr}
        lines = done.stdout.splitlines()
        if words[0] == "omz_converter" and "--print_all" not in words:
            new = [path for path in folder.rglob("*") if path.is_file() and path not in before]
            return result | {
                "files": {path.relative_to(folder).as_posix(): "" for path in new},
                "said": sorted(line for line in lines if line.startswith("========== Skipping")),
                "failed": lines[lines.index("FAILED:") + 1 :] if "FAILED:" in lines else [],
            }
        if words[0] == "omz_downloader" and "--print_all" not in words:
            events = [json.loads(line) for line in lines if line.startswith("{")]
            # Parallel downloads report in any order.
            result["said"] = sorted(events, key=json.dumps) if JOBS.search(" ".join(words)) else events
        if "--print_all" in words:
            result["names"] = lines
        return result | {"files": snapshot(folder), "failed": []}


def prepare(checkout: Path, folder: Path) -> tuple[Path, ThreadingHTTPServer]:
    """Copy the commands' files, with small model files on a local server; return the copy and the server."""
    omz, web = folder / "omz", folder / "web"
    web.mkdir()
    handler = functools.partial(QuietHandler, directory=str(web))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    shutil.copytree(checkout / "tools/model_tools", omz / "tools/model_tools")
    shutil.copytree(checkout / "models", omz / "models")
    (omz / "data").mkdir()
    shutil.copy(checkout / "data/dataset_definitions.yml", omz / "data")
    tiny = tiny_checkpoint(folder / "tiny")
    for config in (omz / "models").rglob("model.yml"):
        own = tiny if config.parent.name == "bert-base-ner" else {}
        shrink(config, web, f"http://127.0.0.1:{server.server_port}", own)
    return omz, server


def compare(peer: dict[str, Any], ours: dict[str, Any], tool: str) -> tuple[str, dict[str, bool]]:
    """Return the kind of models converted, and what is equal."""
    if tool != "omz_converter" or "names" in peer:
        return "", {part: peer[part] == ours[part] for part in ("status", "files", "said")}
    converted = {Path(file).parts[-3] for file in peer["files"]}
    made = {Path(file).parts[-3] for file in ours["files"]}
    refused = set(ours["failed"])
    kind = (
        "nothing"
        if not converted and not peer["said"]
        else "other networks"
        if converted - {"bert-base-ner"}
        else "bert-base-ner"
        if converted
        else "IR as published"
    )
    ours_alike = {file for file in ours["files"] if Path(file).name != "tokenizer.json"}
    return f" ({kind})", {
        "status": peer["status"] == ours["status"],
        "files": set(peer["files"]) == ours_alike,
        "said": peer["said"] == ours["said"] and made | refused == converted and not made & refused,
    }


def words_of(line: str, tool: str) -> list[str]:
    """Return the arguments that a line is run with; downloads report their progress as JSON."""
    words = line.replace("MODEL_DIR", "there").replace("DIR", "there").split()
    if tool == "omz_downloader" and not any("progress_format" in word for word in words):
        words.append("--progress_format=json")
    return words


def print_differences(what: str, peer: dict[str, Any], ours: dict[str, Any], equal: dict[str, bool]) -> None:
    """Print the parts of two runs that differ."""
    for part in [part for part, same in equal.items() if not same]:
        sys.stdout.write(f"{what}: {part} differ\n")
        for who, one in (("theirs", peer), ("ours", ours)):
            sys.stdout.write(f"    {who}: {str(one[part])[:600]} {one['errors'][-300:]}\n")


def print_rows(rows: dict[str, list[dict[str, bool]]]) -> None:
    """Print the rows of a command: its runs, and in how many of them each part is equal."""
    for text, results in rows.items():
        counts = [sum(one[part] for one in results) for part in ("status", "files", "said")]
        sys.stdout.write(f"{text:96}{len(results):6}{counts[0]:8}{counts[1]:7}{counts[2]:6}\n")
    sys.stdout.flush()


def main() -> None:
    """Compare, and print the table."""
    parser = command_line(__doc__)
    parser.add_argument("checkout", type=Path, metavar="CHECKOUT")
    parser.add_argument("--limit", type=int, metavar="N", help="runs of each command at most")
    parser.add_argument("--tool", choices=TOOLS, help="only the commands of this tool")
    parser.add_argument("--matching", default="", metavar="REGEX", help="only commands in which this occurs")
    parser.add_argument("--details", action="store_true", help="print the differences")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        omz, server = prepare(arguments.checkout, Path(name))
        zoo = ["--zoo", str(omz / "models")]
        downloaded = Path(name) / "downloaded"
        downloaded.mkdir()
        flags = stand_in(Path(name) / "mo")
        if arguments.tool in (None, "converter"):
            words = ["omz_downloader", "--all", "-o", str(downloaded), *zoo]
            assert run(OURS, words, Path(name), str(ROOT))["status"] == 0
        sys.stdout.write(f"{'command':96}{'runs':>6}{'status':>8}{'files':>7}{'said':>6}\n")
        for command, runs in commands_of(arguments.checkout).items():
            chosen = arguments.tool is None or command[0] == f"omz_{arguments.tool}"
            if not chosen or not re.search(arguments.matching, " ".join(command)):
                continue
            rows: dict[str, list[dict[str, bool]]] = defaultdict(list)
            for line, folder in runs[: arguments.limit]:
                words = words_of(line, command[0])
                given = downloaded if command[0] == "omz_converter" else None
                more = flags if given else []
                peer = run(THEIRS, [*words, *more], folder, str(omz / "tools/model_tools/src"), given)
                ours = run(OURS, [*words, *zoo], folder, str(ROOT), given)
                kind, equal = compare(peer, ours, command[0])
                rows[" ".join(command) + kind].append(equal)
                if arguments.details:
                    print_differences(f"  {line} ({folder.name}){kind}", peer, ours, equal)
            print_rows(rows)
        server.shutdown()


if __name__ == "__main__":
    main()
