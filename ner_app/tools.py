"""The functions of `Programs` as tools for language models, over the Model Context Protocol.

Gradio runs the server and its transports. The tools and their answers are defined here, because Gradio
answers with the repr of Python values. https://modelcontextprotocol.io/specification/2025-06-18/server/tools
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from mcp import types

from ner_app.arguments import ArgumentError, Text, Texts, hint, no_arguments, shown
from ner_app.guard import where
from ner_app.limits import LimitError
from ner_app.schemas import ANSWER, ANSWERS, DEVICES, MODELS, input_schema
from ner_core.rendering import to_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from gradio.mcp import GradioMCPServer

    from ner_app.programs import Programs
    from ner_app.visitors import Turns

__all__ = ["offer_tools"]

_LOG = logging.getLogger(__name__)
_NO_ARGUMENTS = {"type": "object", "properties": {}, "additionalProperties": False}


def offer_tools(server: GradioMCPServer, programs: Programs, turns: Turns) -> None:
    """Offer the functions on the page's MCP server, in place of the tools that Gradio generates.

    Gradio's prompts and resources are removed: there are none, and a prompt of any name ran a function.

    Parameters
    ----------
    server : gradio.mcp.GradioMCPServer
        The server of a page that was launched.
    programs : Programs
        The functions.
    turns : Turns
        Bounds what runs at once.
    """
    for kind in (
        *(types.ListPromptsRequest, types.GetPromptRequest, types.ListResourcesRequest),
        *(types.ListResourceTemplatesRequest, types.ReadResourceRequest),
    ):
        server.mcp_server.request_handlers.pop(kind, None)
    tools = {f"{server.tool_prefix}{tool.name}": (tool, run) for tool, run in _tools(programs)}
    for name, (tool, _) in tools.items():
        tool.name = name

    @server.mcp_server.list_tools()
    async def list_tools() -> list[types.Tool]:
        selected = server.get_selected_tools_from_request()
        return [tool for name, (tool, _) in tools.items() if selected is None or name in selected]

    @server.mcp_server.call_tool(validate_input=False)
    async def call_tool(name: str, arguments: dict[str, Any]) -> types.CallToolResult:
        if name not in tools:
            return _failed(f"{shown(name)}: there is no such tool; {hint(name, list(tools))}")
        request = server.mcp_server.request_context.request
        try:
            answer = await turns.run(request, tools[name][1], arguments)
        except (ArgumentError, LimitError) as error:
            return _failed(str(error))
        except Exception as error:  # noqa: BLE001 - the caller gets a sentence, the log the place
            _LOG.error("The tool %s failed: %s", name, where(error))
            return _failed("The call failed; the server's log says where.")
        return types.CallToolResult(
            content=[types.TextContent(type="text", text=to_json(answer))], structuredContent=answer
        )


def _tools(programs: Programs) -> list[tuple[types.Tool, Callable[[dict[str, Any]], dict[str, Any]]]]:
    """Return the functions as language models see them, and what runs."""
    service = programs.service

    def batch(arguments: dict[str, Any]) -> dict[str, Any]:
        return {"results": programs.recognize_batch(arguments)}

    def models(arguments: dict[str, Any]) -> dict[str, Any]:
        no_arguments("models", arguments)
        return {"models": programs.models()}

    def devices(arguments: dict[str, Any]) -> dict[str, Any]:
        no_arguments("devices", arguments)
        return {"devices": programs.devices()}

    one = _tool(
        "recognize",
        "Find names in a text",
        "Find the people, places, organisations and other names in a text. Returns every mention with its "
        "place in the text, label and score, and the names grouped. The text stays on the server and is not "
        "logged.",
        input_schema(Text, service),
        ANSWER,
    )
    several = _tool(
        "recognize_batch",
        "Find names in several texts",
        "Find the names in several texts at once, in order; faster than one text after another.",
        input_schema(Texts, service),
        ANSWERS,
    )
    ready = _tool(
        "models",
        "List models",
        "List the models that are ready on the server, their precisions, and which one is the default.",
        _NO_ARGUMENTS,
        MODELS,
    )
    usable = _tool(
        "devices",
        "List devices",
        "List the devices (CPU, GPU, NPU) of the server that can run a model.",
        _NO_ARGUMENTS,
        DEVICES,
    )
    return [(one, programs.recognize), (several, batch), (ready, models), (usable, devices)]


def _tool(
    name: str, title: str, description: str, taken: dict[str, Any], returned: dict[str, Any]
) -> types.Tool:
    hints = types.ToolAnnotations(
        title=title, readOnlyHint=True, destructiveHint=False, idempotentHint=True, openWorldHint=False
    )
    return types.Tool(
        name=name,
        title=title,
        description=description,
        inputSchema=taken,
        outputSchema=returned,
        annotations=hints,
    )


def _failed(message: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=message)], isError=True)
