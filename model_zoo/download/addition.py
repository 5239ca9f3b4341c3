"""Add a model of the Hugging Face hub to a zoo: write its model.yml, with sizes and hashes of all files."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from model_zoo.catalog.checksum import GIT_BLOB, checksum_of
from model_zoo.catalog.errors import CatalogError
from model_zoo.catalog.hub_names import split_hub_name
from model_zoo.catalog.layout import MODELS_ROOT
from model_zoo.catalog.manifest import write_model
from model_zoo.catalog.zoo import check_model_name, load_model
from model_zoo.download import hub
from model_zoo.download.transfer import Transfer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_zoo.catalog.schema import Model, ModelFile

__all__ = ["add"]


def add(
    hub_name: str,
    zoo: Path | None = None,
    *,
    name: str | None = None,
    labels: Sequence[str] | None = None,
) -> Path:
    """Write the model.yml of a token classifier of the hub.

    Parameters
    ----------
    hub_name : str
        ``hf:owner/name`` or ``hf:owner/name@revision``.
    zoo : Path or None
        Zoo to add to; None means the models of this package.
    name : str or None
        Name in the zoo; None means the name of the repository.
    labels : sequence of str or None
        In id order, for a repository that does not name them.

    Returns
    -------
    Path
        The model.yml, validated by reading it back.

    Raises
    ------
    CatalogError
        No such model, not a token classifier, or the name is taken or no valid folder name.
    TransferError
        A file could not be fetched.
    """
    root = zoo if zoo is not None else MODELS_ROOT
    given = name or split_hub_name(hub_name)[0].rsplit("/", 1)[-1]
    path = root / "public" / given / "model.yml"
    check_model_name(given, path)
    if path.exists():
        msg = f"{path}: expected no such model yet; give another name with --as, or remove it first"
        raise CatalogError(msg)
    model = hub.resolve(hub_name, labels=labels)
    model = model.model_copy(update={"files": _hashed(model)})
    try:
        write_model(model, path)
    except OSError as error:
        msg = f"{path}: can't be written ({error.strerror}); --zoo names a zoo of your own"
        raise CatalogError(msg) from None
    load_model(path, root)
    return path


def _hashed(model: Model) -> list[ModelFile]:
    """Fetch the files without a strong published hash, which are small, and record size and hash."""
    files = []
    transfer = Transfer()
    with tempfile.TemporaryDirectory(prefix="ner-zoo-add-") as scratch:
        for file in model.files:
            if file.checksum is None or file.checksum.algorithm == GIT_BLOB:
                fetched = Path(scratch) / file.name
                transfer.fetch(fetched, file.sources, size=file.size, checksum=file.checksum)
                facts = {"size": fetched.stat().st_size, "checksum": checksum_of(fetched)}
                files.append(file.model_copy(update=facts))
            else:
                files.append(file)
    return files
