"""What the functions for programs take and return, as JSON Schema: for OpenAPI and for MCP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ner_app.arguments import Text, Texts

if TYPE_CHECKING:
    from ner_app.service import Service

__all__ = ["ANSWER", "ANSWERS", "DEVICES", "MODELS", "input_schema", "openapi"]


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"type": "object", "properties": required | (optional or {}), "required": list(required)}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}
_TIME = {"type": "number", "minimum": 0}
_ENTITY = _object(
    {
        "start": _COUNT | {"description": "Where it begins in the text."},
        "end": _COUNT | {"description": "Where it ends; text[start:end] is the entity."},
        "label": _TEXT | {"description": "Such as PER, ORG, LOC or MISC."},
        "score": {"type": "number", "minimum": 0, "maximum": 1},
        "text": _TEXT,
    }
)
_GROUP = _object(
    {
        "name": _TEXT | {"description": "The longest form of the name."},
        "label": _TEXT,
        "count": _COUNT,
        "first": _COUNT | {"description": "Where it is first mentioned."},
        "mentions": _list(_list(_COUNT)) | {"description": "Start and end of each."},
        "aliases": _list(_TEXT),
    }
)
ANSWER = _object(
    {
        "text": _TEXT,
        "entities": _list(_ENTITY),
        "groups": _list(_GROUP) | {"description": "The names that the entities are mentions of."},
        "model": _TEXT,
        "device": _TEXT | {"description": "The device that ran it."},
        "precision": _TEXT,
        "compute": _TEXT | {"description": "What the device computed in, such as f32; empty if not known."},
        "pieces": _COUNT | {"description": "Word pieces."},
        "windows": _COUNT | {"description": "Parts that the text was read in."},
        "timings": _object(dict.fromkeys(("tokenization", "inference", "decoding", "total"), _TIME))
        | {"description": "Milliseconds."},
        "notes": _list(_TEXT),
    },
    {
        "parts": _list(_object({"start": _COUNT, "end": _COUNT, "model": _TEXT}))
        | {"description": "Which model had which part of the text, where the language chooses."},
    },
)
ANSWERS = _object({"results": _list(ANSWER)})
MODELS = _object(
    {"models": _list(_object({"name": _TEXT, "precisions": _list(_TEXT), "default": {"type": "boolean"}}))}
)
DEVICES = _object({"devices": _list(_object({"name": _TEXT, "full_name": _TEXT}))})
_ERROR = _object({"error": _TEXT | {"description": "What is wrong; begins with the argument, if one is."}})


def input_schema(kind: type[Text | Texts], service: Service) -> dict[str, Any]:
    """Return the schema of a function's arguments, its required ones first."""
    schema = kind.model_json_schema()
    properties = schema["properties"]
    for described in properties.values():
        described.pop("title", None)
        if described.get("default", "") is None:  # what is not given is left out, or null in a body
            number, _ = described.pop("anyOf")
            described |= number
            del described["default"]
    properties["model"]["default"] = service.first
    required = schema["required"]
    return {
        "type": "object",
        "properties": {name: properties[name] for name in [*required, *properties]},
        "required": required,
        "additionalProperties": False,
    }


def _body_schema(kind: type[Text | Texts], service: Service) -> dict[str, Any]:
    """Return the schema of a body: as `input_schema`, and null stands for what is not given."""
    schema = input_schema(kind, service)
    for name, described in schema["properties"].items():
        if name not in schema["required"]:
            described["type"] = [described["type"], "null"]
            if "enum" in described:
                described["enum"] = [*described["enum"], None]
    return schema


def openapi(service: Service) -> dict[str, Any]:
    """Return the OpenAPI description of ``/api``."""
    limits = service.limits
    asked = {"model": service.first, "threshold": 0.5, "labels": ["PER", "LOC"], "compute": "exact"}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Names in text",
            "version": "1",
            "description": f"People, places, organisations and other names. Texts of up to "
            f"{limits.text_characters:,} characters; up to {limits.batch_texts:,} texts of "
            f"{limits.batch_characters:,} characters in a batch. Texts are not logged.",
        },
        "paths": {
            "/api/recognize": _post(
                "recognize",
                "Find the names in a text",
                _body_schema(Text, service),
                ANSWER,
                {"text": "Mary lives in Santa Clara and works at NVIDIA."} | asked,
            ),
            "/api/batch": _post(
                "batch",
                "Find the names in several texts",
                _body_schema(Texts, service),
                ANSWERS,
                {"texts": ["Mary sings.", "Rome is old."]} | asked,
            ),
            "/api/models": _get("models", "List the models that are ready", MODELS),
            "/api/devices": _get("devices", "List the devices that can run a model", DEVICES),
        },
    }


def _post(
    name: str, summary: str, taken: dict[str, Any], returned: dict[str, Any], example: dict[str, Any]
) -> Any:
    errors = {
        "400": "The body is not a JSON object",
        "413": "More was sent than this page takes at once",
        "415": "From a browser, the content type must be application/json",
        "422": "An argument is missing, unknown or wrong; the error begins with its name",
        "429": "You have as many requests running as one visitor may have",
        "503": "Too many requests are waiting",
    }
    return {
        "post": {
            "operationId": name,
            "summary": summary,
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": taken, "example": example}},
            },
            "responses": {"200": _json("The answer", returned)}
            | {status: _json(meaning, _ERROR) for status, meaning in errors.items()},
        }
    }


def _get(name: str, summary: str, returned: dict[str, Any]) -> Any:
    return {
        "get": {"operationId": name, "summary": summary, "responses": {"200": _json("The list", returned)}}
    }


def _json(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}
