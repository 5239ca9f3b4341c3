"""Texts with their entities, written in one line."""

from ner_core.entity import Entity, Recognition


def found(marked):
    """Read ``[Mary Jones|PER] left.``"""
    text, entities = "", []
    for part in marked.split("["):
        name, bar, rest = part.partition("|")
        if bar:
            label, _, rest = rest.partition("]")
            entities.append(Entity(len(text), len(text) + len(name), label, 0.9, name))
            text += name + rest
        else:
            text += part
    return Recognition(text, tuple(entities))
