"""Modules that are loaded when a test uses them: torch and transformers cost each process seven seconds."""

import importlib


class Lazily:
    """Stands for a module; the first attribute that a test asks for imports it. Pytest asks for others."""

    def __init__(self, name: str):
        self._name = name

    def __getattr__(self, attribute: str):
        if attribute.startswith(("_", "pytest", "is_hypothesis")):
            raise AttributeError(attribute)
        return getattr(importlib.import_module(self._name), attribute)


torch = Lazily("torch")
transformers = Lazily("transformers")
spacy = Lazily("spacy")
safetensors_torch = Lazily("safetensors.torch")
averages = Lazily("model_zoo.train.averages")
precision = Lazily("model_zoo.train.precision")
