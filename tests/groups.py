"""Which tests run in one process where there are two: those that share what is expensive to make.

Groups by marks, as pytest-xdist has them, are written into the names of tests; under pytest 9.2 that is lost
without a word, each test is sent wherever there is room, and every process makes everything.
"""

import pytest
from xdist.scheduler import LoadScopeScheduling

#: The expensive ones, in the order in which they begin: one that begins last keeps the other process waiting.
#: The tests of every other file are a group of their own. "transformers" are those that load torch or spaCy.
GROUPS = {
    "transformers": (
        "tests/model_zoo/convert/",
        "tests/model_zoo/train/",
        "tests/model_zoo/test_bad_days.py",
        "tests/model_zoo/test_omz_commands.py",
        "tests/ner_core/test_decoding.py",
        "tests/ner_core/test_tokenizer_files.py",
        "tests/ner_integrations/",
        "tests/test_programs.py",
    ),
    "browser": ("tests/browser/",),
    "attacks": ("tests/attacks/",),
    "ray": ("tests/ner_corpora/test_ray_engine.py",),
    "seqeval": (
        "tests/ner_core/test_corpus.py",
        "tests/ner_core/test_evaluation.py",
        "tests/ner_core/test_labels.py",
    ),
}


def group_of(name: str) -> str:
    """Return the group of a test: one of `GROUPS`, or its file."""
    path = name.partition("::")[0]
    return next((group for group, paths in GROUPS.items() if path.startswith(paths)), path)


def pytest_collection_modifyitems(items):
    """Run the expensive groups first."""
    order = list(GROUPS)
    items.sort(
        key=lambda item: order.index(group) if (group := group_of(item.nodeid)) in GROUPS else len(order)
    )


class Groups(LoadScopeScheduling):
    """Gives a group of tests to the process that has nothing left to do."""

    def __init__(self, config, log):
        super().__init__(config, log)
        config.option.loadscopereorder = False  # the order is that of `GROUPS`, not of numbers of tests

    def _split_scope(self, nodeid):
        return group_of(nodeid)


@pytest.hookimpl(optionalhook=True)  # there is no such hook with -p no:xdist
def pytest_xdist_make_scheduler(config, log):
    """Take the place of what --dist names."""
    return Groups(config, log)
