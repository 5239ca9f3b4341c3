"""The file that keeps the checksums which model.yml does not state."""

from model_zoo.catalog.schema import ModelFile
from model_zoo.download.lockfile import Lockfile


def test_a_lock_file_that_cannot_be_read_is_not_used(tmp_path, caplog):
    lock = Lockfile(tmp_path)
    for text in (
        "{",
        "[]",
        '{"files": {"x": {"size": 1}}}',
        '{"files": {"x": {"size": "a", "sha384": "", "source": ""}}}',
    ):
        lock.path.write_text(text)
        assert lock.find(ModelFile(name="x", source="https://example.org/x")) is None
    assert "can't be read" in caplog.text
