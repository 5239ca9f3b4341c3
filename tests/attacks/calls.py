"""Calls that came last: lessons, tools for language models, names of the hub."""

from __future__ import annotations

import functools
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.attacks.attack import Kind, sentence
from tests.attacks.models import OUTSIDE
from tests.attacks.page import DEVICES, MODELS, WILD, ask, judged

if TYPE_CHECKING:
    from random import Random

# Lessons


@functools.cache
def teaching() -> dict[str, Any]:
    """The functions of Teach on a page at home, whose models are in a folder of their own."""
    from ner_app.service import Service
    from ner_app.teaching import teach_functions
    from tests.ner_app.conftest import save_lookup_model

    os.environ["NER_MODELS_DIR"] = tempfile.mkdtemp(prefix="attacks-")
    save_lookup_model(Path(os.environ["NER_MODELS_DIR"]))
    return teach_functions(Service("lookup"), [])


NO_NAMES = [value for value in WILD if not isinstance(value, int)]  # 5 and True can be names
LESSON = {"text": "Bob sings.", "labels": ["PER"], "entities": [[0, 3, 0, 1]]}
#: None of them is a lesson: the answer is a sentence, and no work begins.
LESSONS = {
    "arguments of any type": lambda chance: {chance.choice(("model", "texts")): chance.choice(WILD)},
    "names that are none": lambda chance: {"name": chance.choice(NO_NAMES)},
    "names that lead outside": lambda chance: {
        "name": chance.choice((*OUTSIDE, "..", "a/b", "x" * 300, "\x00"))
    },
    "models that are addresses or paths": lambda chance: {"model": chance.choice(MODELS)},
    "texts that are huge": lambda chance: {
        "texts": [LESSON | {"text": "Bob " * chance.choice((200_000, 2_000_000))}]
    },
    "texts by the thousand": lambda chance: {"texts": [LESSON] * chance.choice((501, 50_000))},
    "labels without end": lambda chance: {
        "texts": [
            LESSON
            | {"labels": [f"L{n}" * chance.choice((1, 100)) for n in range(chance.choice((2_000, 20_000)))]}
        ]
    },
    "labels that are none": lambda chance: {
        "texts": [LESSON | {"labels": [chance.choice(("", "B-PER\tO", "a\nb", 5, None, [], "x" * 10_000))]}]
    },
    "entities that lie": lambda chance: {
        "texts": [
            LESSON
            | {
                "entities": chance.choice(
                    (
                        [[0, 3, 5, 1]],
                        [[3, 0, 0, 1]],
                        [[-1, 3, 0, 1]],
                        [[0, 2**70, 0, 1]],
                        [[0, 3, 0, "x"]],
                        [[0]],
                        5,
                    )
                )
            }
        ]
    },
    "entities by the hundred thousand": lambda chance: {
        "texts": [LESSON | {"entities": [[0, 3, 0, 1]] * 200_000}]
    },
}


def lesson(make):
    def attempt(chance: Random, folder: Path) -> str:
        honest = {"name": "new", "model": "lookup", "device": "CPU", "texts": []}
        answer = teaching()["teach"](honest | make(chance))
        assert "token" not in answer, "a lesson began"
        error = answer["error"]
        assert "Traceback" not in error
        assert 0 < len(error) < 1000, error[:200]
        public = Path(os.environ["NER_MODELS_DIR"]) / "public"
        assert [path.name for path in public.iterdir()] == ["lookup"]
        return "refused"

    return attempt


def lesson_of_strangers(chance: Random, folder: Path) -> str:
    """A public page has no such function: what the script of another page sends finds nothing."""
    component = chance.randrange(400)
    body = {
        "session_hash": "x",
        "component_id": component,
        "fn_name": "teach",
        "data": [{"name": "new", "texts": [LESSON]}],
    }
    answer = ask("/gradio_api/component_server/", body)
    assert answer.status_code >= 400 or "token" not in answer.text, answer.text[:200]
    return judged(answer, expected=range(200, 501))


# Tools for language models


def tool(make):
    def attempt(chance: Random, folder: Path) -> str:
        headers = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
        return judged(ask("/gradio_api/mcp/", make(chance), headers))

    return attempt


def called(name: str, arguments: Any) -> dict[str, Any]:
    return {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": name, "arguments": arguments},
    }


TOOLS = {
    "recognize: arguments of any type": lambda chance: called(
        "recognize",
        {
            "text": "Mary",
            chance.choice(("text", "model", "labels", "threshold", "x")): chance.choice(WILD[:-1]),
        },
    ),
    "recognize: devices and models that are addresses": lambda chance: called(
        "recognize",
        {
            "text": "Mary",
            **chance.choice(({"device": chance.choice(DEVICES)}, {"model": chance.choice(MODELS)})),
        },
    ),
    "tools that nobody offers": lambda chance: called(
        chance.choice(("", "x" * 10_000, "../recognize", "teach")), {}
    ),
    "arguments that are none": lambda chance: called("recognize_batch", chance.choice(WILD[:-1])),
    "methods and numbers that are none": lambda chance: {
        "jsonrpc": chance.choice(("2.0", "3", None)),
        "id": chance.choice((None, -1, [], "x" * 10_000)),
        "method": chance.choice(("tools/call", "resources/read", "x", "", None)),
        "params": chance.choice(WILD[:-1]),
    },
    "files as resources": lambda chance: {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "resources/read",
        "params": {"uri": chance.choice(("file:///etc/passwd", "/etc/passwd", "http://169.254.169.254/"))},
    },
    "sessions of others": lambda chance: {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {"a": "x" * 50_000},
    },
}


# Names of the hub

NAMES = (
    *(f"hf:{path}" for path in OUTSIDE),
    "hf:",
    "hf:a",
    "hf:a/b/c",
    "hf:a/b@../../x",
    "hf:a/b@" + "x" * 5000,
    "hf:" + "a" * 5000 + "/b",
    "hf:../b",
    "hf:a/..",
    "hf:a/b\x00",
    "hf:a/b\n--offline",
    "hf:http://169.254.169.254/a/b",
    "hf:user:password@host/b",
    "hf:a/b?x=1#y",
    "hf:%2e%2e/%2e%2e",
    "hf:\u202ea/b",
    "hf:-o/--zoo",
    "https://huggingface.co.evil.example/a/b",
    "https://huggingface.co@evil.example/a/b",
)


def hub_name(chance: Random, folder: Path) -> str:
    """A name that leads nowhere is refused, or stays a name below the models folder; nothing is asked."""
    from model_zoo.catalog import folders
    from model_zoo.catalog.errors import ZooError

    name = chance.choice(NAMES)
    if chance.random() < 0.3:
        place = chance.randrange(len(name) + 1)
        name = name[:place] + chance.choice(("/", "..", "@", "\x00", " ", ":", "\\")) + name[place:]
    try:
        called = folders.canonical_name(name)
        if not called.startswith("hf:"):
            return "no name of the hub"
        repo, revision = folders.split_hub_name(called)
        where = (folder / folders.hub_subdirectory(called)).resolve()
    except (ZooError, ValueError) as error:
        return sentence(error)
    assert where.is_relative_to(folder.resolve()), where
    assert ".." not in repo.split("/"), repo
    assert revision is None or ".." not in revision.split("/"), revision
    return "a name"


def kinds() -> list[Kind]:
    found = [Kind("lesson", name, lesson(make)) for name, make in LESSONS.items()]
    found.append(Kind("lesson", "sent to a public page", lesson_of_strangers))
    found += [Kind("tool (MCP)", name, tool(make)) for name, make in TOOLS.items()]
    return [*found, Kind("name of the hub", "that leads elsewhere", hub_name)]
