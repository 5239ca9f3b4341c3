"""``ner devices`` and ``ner models``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ner_commands.arguments import add_format, add_models_dir
from ner_commands.output import write_rows

if TYPE_CHECKING:
    import argparse

__all__ = ["add_parsers"]


def add_parsers(commands: Any) -> None:
    """Add both commands to ``ner``."""
    devices = commands.add_parser("devices", help="list the devices of this machine")
    models = commands.add_parser("models", help="list the models of the zoo, and others that are installed")
    add_models_dir(models)
    for parser, run in ((devices, _devices), (models, _models)):
        add_format(parser)
        parser.set_defaults(run=run)


def _devices(arguments: argparse.Namespace) -> int:
    from ner_core.compute import ways_of
    from ner_core.hardware import devices, fast_arithmetic

    ways = [way.name for way in ways_of(fast_arithmetic())]
    rows: list[dict[str, Any]] = [
        {
            "name": device.name,
            "full_name": device.full_name,
            "capabilities": list(device.capabilities),
            "compute": ways if device.name == "CPU" else [],
        }
        for device in devices()
    ]
    write_rows(rows, arguments.format)
    return 0


def _models(arguments: argparse.Namespace) -> int:
    from model_zoo.catalog import folders
    from model_zoo.catalog.hub_names import hub_name
    from model_zoo.catalog.zoo import load_catalog

    models = load_catalog()
    rows: list[dict[str, Any]] = [
        {
            "name": model.name,
            "state": folders.state(model, arguments.models_dir),
            "precisions": list(folders.installed(model.name, arguments.models_dir)),
        }
        for model in models
    ]
    known = {model.name for model in models}
    for folder in sorted(folders.models_dir(arguments.models_dir).glob("public/*")):
        if folder.name not in known and (irs := folders.irs_in(folder)):  # of the hub, or trained here
            name = hub_name(folder.name) if folder.name.startswith("hf--") else folder.name
            rows.append({"name": name, "state": "ready", "precisions": list(irs)})
    write_rows(rows, arguments.format)
    return 0
