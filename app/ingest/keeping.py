"""Files that come in piece by piece: counted, hashed and kept under their hash, never held in memory."""

import contextlib
import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.errors import InputRefused, TooLarge

NAME_MAX = 200
"""Longest file name that is kept [character]."""
BROKEN_AFTER_S = 24 * 3600
"""Age at which a file that was never finished is taken for the leftover of a killed process [s]."""


def too_large(limit: int) -> TooLarge:
    """The refusal of a file of more than `limit` bytes."""
    return TooLarge(f"The file has more than {limit // 1_000_000} MB, which is the limit here.")


@dataclass(frozen=True, kw_only=True)
class Received:
    """A file that came in whole. `path` is where it lies until it is kept or dropped."""

    path: Path
    size: int
    sha256: bytes


class Sink:
    """A file in the making. Not safe for several threads at once; one after the other is fine."""

    def __init__(self, folder: Path, limit: int) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, name = tempfile.mkstemp(prefix="incoming-", dir=folder)
        self._file = os.fdopen(descriptor, "wb", buffering=0)
        self._digest = hashlib.sha256()
        self.path = Path(name)
        self.limit = limit
        self.size = 0

    def write(self, piece: bytes | bytearray | memoryview) -> None:
        """Take a piece. Raises TooLarge as soon as the file is longer than the limit."""
        self.size += len(piece)
        if self.size > self.limit:
            raise too_large(self.limit)
        self._digest.update(piece)
        view = memoryview(piece)
        while view:
            view = view[self._file.write(view) :]

    def finish(self) -> Received:
        """End the file and bring it to the disk."""
        os.fsync(self._file.fileno())
        self._file.close()
        return Received(path=self.path, size=self.size, sha256=self._digest.digest())

    def drop(self) -> None:
        """Forget the file, finished or not; one that was kept meanwhile stays."""
        self._file.close()
        self.path.unlink(missing_ok=True)


class Store:
    """Files under their hash, below one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def sink(self, limit: int) -> Sink:
        """A new file of at most `limit` bytes. It lies on the same disk, so that keeping it is one rename."""
        return Sink(self.folder / "incoming", limit)

    def path(self, sha256: bytes) -> Path:
        """Where the file with that hash is kept."""
        name = sha256.hex()
        return self.folder / name[:2] / name

    def keep(self, received: Received) -> Path:
        """Give a file its place. The same bytes twice are one file."""
        place = self.path(received.sha256)
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        received.path.replace(place)
        place.touch()  # the same bytes may have lain here for long, about to be removed
        for folder in (place.parent, self.folder):
            _sync(folder)
        return place

    def sound(self, sha256: bytes) -> bool:
        """Whether the file is there and its bytes are those that came in."""
        try:
            with self.path(sha256).open("rb") as file:
                return hashlib.file_digest(file, "sha256").digest() == sha256
        except FileNotFoundError:
            return False

    def remove_unused(self, needed: "frozenset[str]", *, older_than_s: float) -> int:
        """Remove files that nothing refers to and that came longer ago; returns how many.

        needed : hashes in hexadecimal of all files that must stay.
        """
        now = time.time()
        removed = 0
        for file in self._files():
            patience = BROKEN_AFTER_S if file.parent.name == "incoming" else older_than_s
            with contextlib.suppress(FileNotFoundError):
                if file.name not in needed and now - file.stat().st_mtime > patience:
                    file.unlink()
                    removed += 1
        return removed

    def _files(self) -> Iterator[Path]:
        for folder in sorted(self.folder.glob("*")):
            if folder.is_dir():
                yield from sorted(file for file in folder.iterdir() if file.is_file())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def plain_name(told: str) -> str:
    """A file name as a client told it, as a name and nothing else.

    Raises
    ------
    InputRefused
        If it names a folder, holds a control character, is too long, or is no name at all.
    """
    name = told.strip()
    wrong = None
    if not name or set(name) <= {"."}:
        wrong = "is no file name"
    elif "/" in name or "\\" in name:
        wrong = "names a folder"
    elif any(ord(c) < 32 or 127 <= ord(c) < 160 or 0xD800 <= ord(c) < 0xE000 for c in name):
        wrong = "holds a control character"
    elif len(name) > NAME_MAX or len(name.encode()) > 255:
        wrong = f"is longer than {NAME_MAX} characters"
    if wrong:
        shown = name[:60].encode("ascii", "backslashreplace").decode()
        raise InputRefused(
            f"{shown!r} {wrong}.", code="FILENAME_INVALID", suggestion="Give the name of the file without folders."
        )
    return name
