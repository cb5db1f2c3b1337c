"""The ZIP package of an XLSX workbook, looked through before any reader of cells sees it.

Nothing the package says of itself is believed: every part is unpacked once, piece by piece, and counted. Parts that
declare a document type or entities are refused, and so are encryption, links and names that lead out of the package.
"""

import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree as ET

from app.errors import RefusedFile
from app.ingest.readers.table import ReadingNote, refuse

MAX_CELLS = 20_000_000
"""Largest extent of a sheet, empty cells included: a million rows of twenty columns."""
UNPACKED_RATIO = 10
"""How many times the limit in bytes a workbook may have when unpacked."""
PACKED_RATIO = 200
"""How many times smaller a part of more than a megabyte may be packed; sheets pack 5 to 30 times."""
MAX_PARTS = 2_000
"""Most parts of a package: a workbook has one for each sheet and picture, and some more."""
MAX_INDEX_BYTES = 5_000_000
"""Largest part that lists the sheets [byte]."""

_PIECE = 1 << 20
_KEPT = 16  # more than a declaration needs to be seen as one
_ENCRYPTED = 0x1
_LOCAL_HEADER = 30
_XML = (".xml", ".rels", ".vml")

_DECLARATION = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_ENCODING = re.compile(rb"""^\s*<\?xml[^>]*?\bencoding\s*=\s*["']([^"']*)["']""")
_CELL = re.compile(rb"<(?:\w+:)?c[\s/>]")
_CELL_COLUMN = re.compile(rb"""\br=["']([A-Z]{1,4})\d""")
_CELL_ROW = re.compile(rb"""\br=["'][A-Z]{0,4}(\d{1,9})["']""")
_UNCOMPUTED = re.compile(rb"<f\b[^<>]*?(?:/>|>[^<]*</f>)\s*(?:<v\s*/>|<v>\s*</v>|</c>)")
_ERROR_CELL = re.compile(rb'<c\b[^<>]*\bt="e"')


@dataclass(kw_only=True, slots=True)
class SheetPart:
    """What a look through a sheet found: how far it reaches, and cells whose content cannot be read."""

    height: int = 0
    width: int = 0
    cells: int = 0
    unread: dict[str, int] = field(default_factory=dict)

    def see(self, xml: bytes) -> None:
        """Take a piece that ends between two cells."""
        self.height = max(self.height, *map(int, _CELL_ROW.findall(xml)), 0)
        self.width = max(self.width, *map(_number, set(_CELL_COLUMN.findall(xml))), 0)
        self.cells += sum(1 for _ in _CELL.finditer(xml))
        for code, pattern in (("FORMULA_UNCOMPUTED", _UNCOMPUTED), ("CELL_ERROR", _ERROR_CELL)):
            if n := sum(1 for _ in pattern.finditer(xml)):
                self.unread[code] = self.unread.get(code, 0) + n

    @property
    def notes(self) -> tuple[ReadingNote, ...]:
        """What to say of the cells that cannot be read."""
        return tuple(ReadingNote(code=code, details={"cells": n}) for code, n in self.unread.items())


def look_through(path: Path, max_bytes: int) -> dict[str, SheetPart]:
    """The sheets of a workbook by their names, once all parts of it are found sound. Raises RefusedFile."""
    name = path.name
    try:
        with zipfile.ZipFile(path) as package:
            members = package.infolist()
            _check_members(name, members, UNPACKED_RATIO * max_bytes)
            if "xl/workbook.xml" not in package.namelist():
                raise refuse("NOT_XLSX", f"{name} is a ZIP archive but no XLSX workbook.", file=name)
            parts = {item.filename: _look(path, item) for item in members if not item.is_dir()}
            sheets = {sheet: parts[member] for sheet, member in _sheets(package).items()}
    except (zipfile.BadZipFile, zlib.error, ET.ParseError, KeyError, EOFError, NotImplementedError) as error:
        raise refuse("XLSX_BROKEN", f"{name} is not a whole XLSX workbook: {error}.", file=name) from error
    except (RuntimeError, ValueError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise refuse("XLSX_BROKEN", f"{name} is not a whole XLSX workbook: {error}.", file=name) from error
    for sheet, part in sheets.items():
        _refuse_far_cells(part, sheet, name)
    return sheets


def _check_members(name: str, members: list[zipfile.ZipInfo], limit: int) -> None:
    """Refuse by what the directory of the package says, before anything is unpacked."""
    if len(members) > MAX_PARTS:
        raise _unsafe(name, f"holds {len(members)} parts; the limit is {MAX_PARTS}")
    unpacked = sum(item.file_size for item in members)
    if unpacked > limit:
        message = f"{name} unpacks to {unpacked / 1e6:.0f} MB; the limit is {limit / 1e6:g} MB."
        raise refuse("FILE_TOO_LARGE", message, file=name)
    seen: set[str] = set()
    for item in members:
        told = item.filename.replace("\\", "/")
        parts = PurePosixPath(told).parts
        if told.startswith("/") or ".." in parts or (parts and ":" in parts[0]):
            raise _unsafe(name, f"names a part outside of itself ({told[:60]!r})")
        if told.casefold() in seen:
            raise _unsafe(name, f"holds the part {told[:60]!r} twice")
        seen.add(told.casefold())
        if stat.S_IFMT(item.external_attr >> 16) not in {0, stat.S_IFREG, stat.S_IFDIR}:
            raise _unsafe(name, f"holds a link or device ({told[:60]!r})")
        if item.flag_bits & _ENCRYPTED:
            raise _unsafe(name, "is encrypted")
        if item.file_size > _PIECE and item.file_size > PACKED_RATIO * max(item.compress_size, 1):
            raise _unsafe(name, f"packs {told[:60]!r} more than {PACKED_RATIO} times, as no sheet is")


def _unsafe(name: str, what: str) -> RefusedFile:
    return refuse("PACKAGE_UNSAFE", f"The workbook {name} {what}.", file=name)


def _look(path: Path, item: zipfile.ZipInfo) -> SheetPart:
    """Unpack one part, count its bytes and look at its XML."""
    part = SheetPart()
    xml = item.filename.lower().endswith(_XML)
    is_sheet = item.filename.startswith("xl/worksheets/")
    rest, size, checksum = b"", 0, 0
    for piece in _pieces(path, item):
        if xml and not size:
            _check_start(path.name, item.filename, piece)
        size += len(piece)
        if size > item.file_size:
            raise _unsafe(path.name, f"holds more in {item.filename[:60]!r} than it says")
        checksum = zlib.crc32(piece, checksum)
        if not xml:
            continue
        text = rest + piece
        if _DECLARATION.search(text):
            message = f"{item.filename[:60]!r} in {path.name} declares a document type or entities."
            raise refuse("XML_UNSAFE", message, file=path.name)
        # A piece ends before its last cell; what is left is read with the next, so that no cell is cut.
        cut = text.rfind(b"<c ") if is_sheet else -1
        cut = cut if len(text) - _PIECE < cut < len(text) - _KEPT else max(len(text) - _KEPT, 0)
        text, rest = text[:cut], text[cut:]
        if is_sheet:
            part.see(text)
    if is_sheet and rest:
        part.see(rest)
    if size != item.file_size or checksum != item.CRC:
        message = f"{path.name} is damaged: the checksum of {item.filename[:60]!r} is wrong."
        raise refuse("XLSX_BROKEN", message, file=path.name)
    return part


def _pieces(path: Path, item: zipfile.ZipInfo) -> Iterator[bytes]:
    """The unpacked bytes of one part in pieces, until its own end and not only as far as the directory says."""
    with path.open("rb") as file:
        file.seek(item.header_offset)
        header = file.read(_LOCAL_HEADER)
        if len(header) < _LOCAL_HEADER or not header.startswith(b"PK\x03\x04"):
            raise zipfile.BadZipFile(f"no part begins where {item.filename[:60]!r} should")
        file.seek(int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little"), 1)
        left = item.compress_size
        if item.compress_type == zipfile.ZIP_STORED:
            while left and (piece := file.read(min(_PIECE, left))):
                left -= len(piece)
                yield piece
            return
        if item.compress_type != zipfile.ZIP_DEFLATED:
            raise zipfile.BadZipFile(f"{item.filename[:60]!r} is packed in a way that spreadsheets do not use")
        unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
        while not unpacker.eof:
            packed = unpacker.unconsumed_tail
            if not packed:
                packed = file.read(min(_PIECE, left))
                left -= len(packed)
            piece = unpacker.decompress(packed, _PIECE)
            if piece:
                yield piece
            elif not packed:
                raise EOFError(f"{item.filename[:60]!r} ends too early")


def _check_start(name: str, member: str, piece: bytes) -> None:
    """XML in an encoding other than UTF-8 could hide from the search for declarations."""
    said = _ENCODING.match(piece[:300].removeprefix(b"\xef\xbb\xbf"))
    encoding = said[1].decode("ascii", "replace").lower() if said else "utf-8"
    if piece.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in piece[:64] or encoding not in {"utf-8", "us-ascii"}:
        raise refuse("XML_UNSAFE", f"{member[:60]!r} in {name} is not written in UTF-8.", file=name)


def _sheets(package: zipfile.ZipFile) -> dict[str, str]:
    """Sheet names and their parts in the package."""
    relation = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
    book, relations = _index(package, "xl/workbook.xml"), _index(package, "xl/_rels/workbook.xml.rels")
    targets = {item.get("Id"): (item.get("Target") or "").lstrip("/") for item in relations}
    parts: dict[str, str] = {}
    for item in book.iter():
        if item.tag.rpartition("}")[2] == "sheet":
            target = targets.get(item.get(relation), "")
            member = target if target.startswith("xl/") else f"xl/{target}"
            if member in package.namelist():
                parts[item.get("name") or ""] = member
    return parts


def _index(package: zipfile.ZipFile, member: str) -> ET.Element:
    if package.getinfo(member).file_size > MAX_INDEX_BYTES:
        raise zipfile.BadZipFile(f"{member} is larger than any list of sheets")
    return ET.fromstring(package.read(member))  # noqa: S314  (no entity is left: see XML_UNSAFE)


def _number(letters: bytes) -> int:
    """The number of a column from its letters: A is 1."""
    number = 0
    for letter in letters:
        number = 26 * number + letter - 64
    return number


def _refuse_far_cells(part: SheetPart, sheet: str, name: str) -> None:
    """Calamine holds every cell from the first to the farthest, so one stray cell can ask for gigabytes."""
    if max(part.height * part.width, part.cells) > MAX_CELLS:
        message = (
            f"Sheet {sheet!r} of {name} spans {part.height} rows and {part.width} columns; "
            f"the limit is {MAX_CELLS} cells."
        )
        raise refuse("SHEET_TOO_LARGE", message, file=name, row=part.height or None)
