"""Make a right and a wrong call through every kind of client: ``python -m benchmarks.clients``.

Prints a Markdown table. Clients that are not installed are listed as such. ``@gradio/client`` is imported
from the node_modules in the folder ``--node``; npx fetches the MCP inspector.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import textwrap
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app import build_demo
from ner_app.service import Service
from ner_app.web import launch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["main"]

TEXT = "Mary lives in Santa Clara and works at NVIDIA."
NAMES = ["Mary", "Santa Clara", "NVIDIA"]

# Each sets the names found, and the error message of a wrong call. PAGE and TEXT are defined before.
PYTHON = {
    "gradio_client": """
        from gradio_client import Client
        client = Client(PAGE, verbose=False)
        found = client.predict(TEXT, api_name="/recognize")
        names = [entity["text"] for entity in found["entities"]]
        told = refusal(lambda: client.predict(TEXT, threshold=7, api_name="/recognize"))
    """,
    "mcp (Python)": """
        import asyncio
        from mcp import ClientSession
        from mcp.client.streamable_http import streamablehttp_client
        async def ask(**arguments):
            async with streamablehttp_client(PAGE + "/gradio_api/mcp/") as (reads, writes, _):
                async with ClientSession(reads, writes) as session:
                    await session.initialize()
                    return await session.call_tool("recognize", arguments)
        names = [entity["text"] for entity in asyncio.run(ask(text=TEXT)).structuredContent["entities"]]
        answer = asyncio.run(ask(text=TEXT, threshold=7))
        told = answer.content[0].text if answer.isError else ""
    """,
    "LangChain tool": """
        import requests
        from langchain_core.tools import tool
        @tool
        def names_in(text: str, threshold: float = 0.0) -> list[str]:
            "Find the names in a text."
            asked = {"text": text, "threshold": threshold}
            answer = requests.post(PAGE + "/api/recognize", json=asked).json()
            if "error" in answer:
                raise ValueError(answer["error"])
            return [entity["text"] for entity in answer["entities"]]
        names = names_in.invoke({"text": TEXT})
        told = refusal(lambda: names_in.invoke({"text": TEXT, "threshold": 7}))
    """,
    "transformers' pipeline shape": """
        from ner_integrations import pipeline
        ner = pipeline("ner", model="minilm-ner", aggregation_strategy="first")
        names = [TEXT[entry["start"]:entry["end"]] for entry in ner(TEXT)]
        told = refusal(lambda: ner(TEXT, aggregation_strategy="best"))
    """,
    "spaCy": """
        import spacy
        nlp = spacy.blank("en")
        nlp.add_pipe("ner_zoo", config={"model": "minilm-ner", "device": "CPU"})
        names = [entity.text for entity in nlp(TEXT).ents]
        def wrong():
            other = spacy.blank("en")
            other.add_pipe("ner_zoo", config={"labels": ["per"]})
            other(TEXT)
        told = refusal(wrong)
    """,
    "spaCy, n_process=2 after use": """
        import spacy
        nlp = spacy.blank("en")
        nlp.add_pipe("ner_zoo", config={"model": "minilm-ner", "device": "CPU"})
        nlp(TEXT)
        docs = list(nlp.pipe([TEXT] * 8, n_process=2, batch_size=2))
        names = [entity.text for entity in docs[-1].ents]
        told = refusal(lambda: nlp.add_pipe("ner_zoo", name="two", config={"threshold": 7}))
    """,
    "datasets, num_proc=2 after use": """
        import json, pathlib, tempfile, datasets, model_zoo
        from ner_core.mapping import EntityMapper
        datasets.config.HF_DATASETS_CACHE = pathlib.Path(tempfile.mkdtemp())
        datasets.disable_progress_bars()
        mapper = EntityMapper("minilm-ner", load=model_zoo.load, device="CPU")
        mapper({"text": [TEXT]})
        data = datasets.Dataset.from_dict({"text": [TEXT] * 8})
        found = data.map(mapper, batched=True, num_proc=2)
        names = [entity["text"] for entity in json.loads(found[7]["entities"])]
        told = refusal(lambda: data.map(mapper))
    """,
    "polars": """
        import json, polars, model_zoo
        from ner_core.mapping import EntityMapper
        mapper = EntityMapper("minilm-ner", load=model_zoo.load)
        names = [e["text"] for e in json.loads(mapper(polars.DataFrame({"text": [TEXT]}))["entities"][0])]
        told = refusal(lambda: mapper(polars.DataFrame({"body": [TEXT]})))
    """,
    "pandas": """
        import json, pandas, model_zoo
        from ner_core.mapping import EntityMapper
        mapper = EntityMapper("minilm-ner", load=model_zoo.load)
        names = [e["text"] for e in json.loads(mapper(pandas.DataFrame({"text": [TEXT]}))["entities"][0])]
        told = refusal(lambda: mapper(pandas.DataFrame({"text": [5]})))
    """,
    "Dask": """
        import json, pandas, dask.dataframe, model_zoo
        from ner_core.mapping import EntityMapper
        mapper = EntityMapper("minilm-ner", load=model_zoo.load)
        meta = {"text": "object", "entities": "object"}
        parts = dask.dataframe.from_pandas(pandas.DataFrame({"text": [TEXT] * 4}), npartitions=2)
        found = parts.map_partitions(mapper, meta=meta).compute()
        names = [entity["text"] for entity in json.loads(found["entities"].iloc[-1])]
        bodies = parts.rename(columns={"text": "body"})
        told = refusal(lambda: bodies.map_partitions(mapper, meta=meta).compute())
    """,
}

REFUSAL = """
import json
def refusal(call):
    try:
        call()
    except Exception as error:
        return str(error) or type(error).__name__
    return ""
"""

JAVASCRIPT = """
import { Client } from "@gradio/client";
const client = await Client.connect(PAGE);
const { data } = await client.predict("/recognize", { text: TEXT });
let told = "";
try { await client.predict("/recognize", { text: TEXT, threshold: 7 }); }
catch (error) { told = error.message; }
console.log(JSON.stringify({ names: data[0].entities.map((entity) => entity.text), told }));
process.exit(0);
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Call all clients; the exit status is 1 if one gave a wrong answer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--node", type=Path, help="folder whose node_modules holds @gradio/client")
    parser.add_argument("--only", action="append", help="name of a client; repeatable")
    arguments = parser.parse_args(argv)
    demo = build_demo(Service())
    page = launch(demo, Service(), block=False, quiet=True)
    clients: dict[str, Callable[[], tuple[list[str], str]]] = {
        "curl": lambda: _curl(page),
        "@gradio/client": lambda: _javascript(page, arguments.node),
        "MCP inspector": lambda: _inspector(page),
        **{name: partial(_python, page, code) for name, code in PYTHON.items()},
    }
    print("| client | right call | message for a wrong call | s |\n|---|---|---|---|")
    wrong = 0
    for name, ask in clients.items():
        if arguments.only and name not in arguments.only:
            continue
        began = time.perf_counter()
        try:
            names, told = ask()
            answer = "3 of 3 names" if names == NAMES else f"**{names}**"
            wrong += names != NAMES or not told
        except (OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
            output = str(getattr(error, "stderr", "") or error).strip().splitlines()
            answer, told = "not run", output[-1][:110] if output else type(error).__name__
            wrong += 1
        seconds = time.perf_counter() - began
        print(f"| {name} | {answer} | {_cell(told)} | {seconds:.1f} |", flush=True)
    demo.close()
    return int(wrong > 0)


def _cell(told: str) -> str:
    lines = told.strip().splitlines()
    sentence = lines[-1] if lines else "**nothing**"
    return sentence.replace("|", "\\|")[:160]


def _output(command: Sequence[str], **options: Any) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=300, stdin=subprocess.DEVNULL, **options
    )
    return done.stdout


def _python(page: str, code: str) -> tuple[list[str], str]:
    values = f"PAGE, TEXT = {page!r}, {TEXT!r}\n"
    printed = "\nprint(json.dumps({'names': names, 'told': told}))"
    whole = REFUSAL + values + textwrap.dedent(code) + printed
    return _read(_output([sys.executable, "-W", "ignore", "-c", whole]))


def _javascript(page: str, folder: Path | None) -> tuple[list[str], str]:
    code = f"const PAGE = {json.dumps(page)}, TEXT = {json.dumps(TEXT)};\n" + JAVASCRIPT
    return _read(_output(["node", "--input-type=module", "--eval", code], cwd=folder))


def _curl(page: str) -> tuple[list[str], str]:
    def ask(**asked: object) -> dict:
        return json.loads(_output(["curl", "-s", f"{page}/api/recognize", "-d", json.dumps(asked)]))

    names = [entity["text"] for entity in ask(text=TEXT)["entities"]]
    return names, ask(text=TEXT, threshold=7)["error"]


def _inspector(page: str) -> tuple[list[str], str]:
    def ask(*given: str) -> dict:
        # It adds "/mcp" to an address that does not end so.
        command = ["npx", "-y", "@modelcontextprotocol/inspector", "--cli", f"{page}/gradio_api/mcp"]
        command += ["--transport", "http", "--method", "tools/call", "--tool-name", "recognize"]
        for one in given:
            command += ["--tool-arg", one]
        return json.loads(_output(command))

    names = [entity["text"] for entity in ask(f"text={TEXT}")["structuredContent"]["entities"]]
    return names, ask(f"text={TEXT}", "threshold=7")["content"][0]["text"]


def _read(printed: str) -> tuple[list[str], str]:
    answer = json.loads(printed.strip().splitlines()[-1])
    return answer["names"], answer["told"]


if __name__ == "__main__":
    sys.exit(main())
