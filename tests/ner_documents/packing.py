"""Office files and other zip archives, packed and unpacked."""

import io
import zipfile

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
OPEN = "urn:oasis:names:tc:opendocument:xmlns:"
#: Declarations of the names in OpenDocument files.
OPEN_SPACES = f'xmlns:draw="{OPEN}drawing:1.0" ' + " ".join(
    f'xmlns:{name}="{OPEN}{name}:1.0"' for name in ("office", "text", "table", "style", "presentation")
)


def packed(parts, compression=zipfile.ZIP_DEFLATED, **options):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression, **options) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def unpacked(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def relations(*links):
    """Write links, each a kind and a target, with the ids r0, r1, …"""
    found = "".join(
        f'<Relationship Id="r{number}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(links)
    )
    return f'<Relationships xmlns="{RELS}">{found}</Relationships>'
