"""A source of several files comes as one ZIP: unpacked into a private folder, or refused.

Nothing of an archive is believed: names are taken apart, sizes are counted while unpacking, and what is no plain file
is refused.
"""

import contextlib
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from app.errors import RefusedFile
from app.ingest.keeping import plain_name
from app.ingest.mapping import MappingFile

FILES_MAX = 50
"""Most files in an archive."""
UNPACKED_RATIO = 10
"""How many times the limit in bytes an archive may have when unpacked, all files together."""
PACKED_RATIO = 200
"""How many times smaller a file of more than a megabyte may be packed: text packs 5 to 30 times."""
_PIECE = 1 << 20
_ENCRYPTED = 0x1


def _refused(name: str, what: str, *, member: str | None = None, suggestion: str | None = None) -> RefusedFile:
    return RefusedFile(
        f"The archive {name} {what}.", code="ARCHIVE_REFUSED", file=name, value=member, suggestion=suggestion
    )


def is_archive(path: Path) -> bool:
    """Whether the file is a ZIP of several tables, and no workbook or zipped Shapefile, which are single files."""
    with path.open("rb") as file:
        if file.read(4) != b"PK\x03\x04":
            return False
    try:
        with zipfile.ZipFile(path) as archive:
            names = [PurePosixPath(name) for name in archive.namelist()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False
    office = {"[Content_Types].xml", "mimetype"} & {str(name) for name in names}
    return not office and not any(name.suffix.lower() == ".shp" for name in names)


@contextlib.contextmanager
def opened(path: Path, name: str, mapping: MappingFile | None, *, max_bytes: int, folder: Path) -> Iterator[Path]:
    """What `read` takes, for the length of the block: the file under its own name, or the folder of an archive.

    path : the file as it is kept, under its hash. name : as its author called it.
    mapping : says whether a folder is meant; without one, an archive of one file means that file.
    max_bytes : limit of each file. folder : where the private folder is made.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(prefix="reading-", dir=folder) as private:
        if is_archive(path):
            unpack(path, name, Path(private), max_bytes=max_bytes)
            yield _meant(Path(private), name, mapping)
        else:
            link = Path(private) / plain_name(name)
            link.symlink_to(path.resolve())
            yield link


def unpack(path: Path, name: str, folder: Path, *, max_bytes: int) -> list[Path]:
    """Unpack the files of an archive into `folder`, under their own names without folders."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [item for item in archive.infolist() if not item.is_dir() and not _litter(item.filename)]
            targets = _targets(name, members, folder)
            room = UNPACKED_RATIO * max_bytes
            for item, target in zip(members, targets, strict=True):
                room -= _extract(archive, item, target, name, limit=min(max_bytes, room))
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError, OSError) as fault:
        if isinstance(fault, OSError) and fault.errno is not None:
            raise
        raise _refused(name, f"is damaged or of a kind that is not read ({fault})") from fault
    except Exception as fault:
        # Each packing method has an error of its own for bytes that are not its; none shares a base.
        if type(fault).__module__ in {"zlib", "lzma", "_lzma", "bz2"} or type(fault).__name__ in {"error", "LZMAError"}:
            raise _refused(name, "is damaged") from fault
        raise
    return targets


def _litter(member: str) -> bool:
    """What an operating system adds on its own."""
    parts = PurePosixPath(member).parts
    return "__MACOSX" in parts or parts[-1:] in {(".DS_Store",), ("Thumbs.db",)}


def _targets(name: str, members: list[zipfile.ZipInfo], folder: Path) -> list[Path]:
    """Where each file goes, after looking at all of them."""
    if not members:
        raise _refused(name, "holds no file")
    if len(members) > FILES_MAX:
        raise _refused(name, f"holds {len(members)} files; the limit is {FILES_MAX}")
    targets: list[Path] = []
    for item in members:
        told = item.filename
        shown = told[:80].encode("ascii", "backslashreplace").decode()
        parts = PurePosixPath(told.replace("\\", "/")).parts
        if not parts or parts[0] == "/" or ".." in parts or ":" in parts[0]:
            raise _refused(name, f"names a file outside of itself ({shown})", member=shown)
        kind = stat.S_IFMT(item.external_attr >> 16)
        if kind not in {0, stat.S_IFREG}:
            raise _refused(name, f"holds a link or device ({shown})", member=shown)
        if item.flag_bits & _ENCRYPTED:
            raise _refused(name, f"is encrypted ({shown})", member=shown, suggestion="Pack it without a password.")
        if item.file_size > 1_000_000 and item.file_size > PACKED_RATIO * max(item.compress_size, 1):
            raise _refused(name, f"unpacks {shown} to more than {PACKED_RATIO} times its size", member=shown)
        target = folder / plain_name(parts[-1])
        if any(target.name.casefold() == other.name.casefold() for other in targets):
            raise _refused(name, f"holds two files of the name {target.name!r}", member=shown)
        targets.append(target)
    return targets


def _extract(archive: zipfile.ZipFile, item: zipfile.ZipInfo, target: Path, name: str, *, limit: int) -> int:
    """Unpack one file, counting: sizes that an archive tells may be false. Returns the bytes."""
    size = 0
    with archive.open(item) as packed, target.open("xb") as file:
        while piece := packed.read(_PIECE):
            if not size and piece.startswith(b"PK\x03\x04") and target.suffix.lower() == ".zip":
                raise _refused(name, f"holds another archive ({target.name})", member=target.name)
            size += len(piece)
            if size > limit:
                raise RefusedFile(
                    f"The archive {name} unpacks to more than its limit ({target.name}).",
                    code="FILE_TOO_LARGE",
                    file=name,
                    value=target.name,
                )
            file.write(piece)
    return size


def _meant(folder: Path, name: str, mapping: MappingFile | None) -> Path:
    """The folder, for a mapping that names its files; the one file there is, for a mapping that does not."""
    files = sorted(folder.iterdir())
    if mapping is None:
        return files[0] if len(files) == 1 else folder
    if all(table.file is not None for table in mapping.tables):
        return folder
    if len(files) == 1:
        return files[0]
    raise _refused(
        name,
        f"holds {len(files)} files, and the mapping {mapping.name} reads one without naming it",
        suggestion="Send the one file, or name another mapping.",
    )
