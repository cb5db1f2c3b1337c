"""Workbooks made to harm: refused before a reader of cells sees them, with memory and time bounded."""

import io
import random
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from app.errors import RefusedFile
from app.ingest.readers import package as package_module
from app.ingest.readers import read_table


def sound(path: Path) -> Path:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for cells in (["a", "b"], [1, 2], ["x", "y"]):
        sheet.append(cells)
    book.save(path)
    return path


def rewritten(
    folder: Path, change: Callable[[str, bytes], bytes | None], extra: dict[str, bytes] | None = None
) -> Path:
    """A sound workbook with some of its parts changed, left out or added."""
    source = sound(folder / "sound.xlsx")
    path = folder / "t.xlsx"
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for item in old.infolist():
            content = change(item.filename, old.read(item))
            if content is not None:
                new.writestr(item.filename, content)
        for name, content in (extra or {}).items():
            new.writestr(name, content)
    return path


def refusal(path: Path) -> RefusedFile:
    with pytest.raises(RefusedFile) as caught:
        read_table(path)
    return caught.value


LAUGHS = b'<!DOCTYPE lolz [<!ENTITY lol "lol">' + b"".join(
    b'<!ENTITY lol%d "%s">' % (i, b"&lol%s;" % (str(i - 1).encode() if i > 1 else b"") * 10) for i in range(1, 10)
) + b"]>"  # fmt: skip
OUTSIDE = b'<!DOCTYPE x [<!ENTITY secret SYSTEM "file:///etc/hostname">]>'
REMOTE = b'<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">'


@pytest.mark.parametrize("declaration", [LAUGHS, OUTSIDE, REMOTE], ids=["billion laughs", "external", "remote"])
@pytest.mark.parametrize("member", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/_rels/workbook.xml.rels"])
def test_entities_are_refused_in_every_part(tmp_path: Path, member: str, declaration: bytes):
    def declared(name: str, content: bytes) -> bytes:
        if name != member:
            return content
        head, _, body = content.rpartition(b"?>")
        return head + (b"?>" if head else b"") + declaration + body

    error = refusal(rewritten(tmp_path, declared))
    assert error.code == "XML_UNSAFE"
    assert "declares a document type or entities" in error.message


@pytest.mark.parametrize("before", [0, 1_048_570, 1_048_576 - 9, 1_048_576 - 60, 3_000_000])
def test_declaration_behind_padding_is_found(tmp_path: Path, before: int):
    noise = random.Random(1).randbytes(before // 2).hex().encode()

    def padded(name: str, content: bytes) -> bytes:
        return b"<!--" + noise + b"-->" + LAUGHS + content if name.endswith("sheet1.xml") else content

    assert refusal(rewritten(tmp_path, padded)).code == "XML_UNSAFE"


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("utf-16-le"),
        lambda text: b'<?xml version="1.0" encoding="cp037"?>' + text.encode("cp037"),
        lambda text: b"<?xml version='1.0' encoding='utf-7'?>" + text.encode("utf-7"),
    ],
    ids=["utf-16", "utf-16 without mark", "ebcdic", "utf-7"],
)
def test_declaration_cannot_hide_in_another_encoding(tmp_path: Path, encode: Callable[[str], bytes]):
    def hidden(name: str, content: bytes) -> bytes:
        return encode(LAUGHS.decode() + "<a>&lol9;</a>") if name == "xl/workbook.xml" else content

    assert refusal(rewritten(tmp_path, hidden)).code == "XML_UNSAFE"


def test_part_packed_beyond_reason_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = rewritten(tmp_path, lambda _, content: content, {"xl/media/bomb.xml": b"0" * 50_000_000})
    monkeypatch.setattr(package_module, "_look", lambda *_: pytest.fail("a part was unpacked"))
    error = refusal(path)
    assert (error.code, "packs" in error.message) == ("PACKAGE_UNSAFE", True)


def test_part_that_holds_more_than_its_directory_says_is_refused(tmp_path: Path):
    path = rewritten(tmp_path, lambda _, content: content, {"xl/media/grow.bin": b"1" * 1000})
    whole = path.read_bytes()
    place = whole.rindex(b"PK\x01\x02", 0, whole.rindex(b"xl/media/grow.bin"))
    lying = whole[: place + 24] + (10).to_bytes(4, "little") + whole[place + 28 :]
    path.write_bytes(lying)
    assert refusal(path).code == "PACKAGE_UNSAFE"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../../etc/cron.d/x", "outside of itself"),
        ("/etc/passwd", "outside of itself"),
        ("xl\\..\\..\\x", "outside of itself"),
        ("C:/x", "outside of itself"),
        ("XL/Workbook.xml", "twice"),
    ],
)
def test_names_that_lead_out_or_stand_twice_are_refused(tmp_path: Path, name: str, said: str):
    error = refusal(rewritten(tmp_path, lambda _, content: content, {name: b"x"}))
    assert (error.code, said in error.message) == ("PACKAGE_UNSAFE", True)


def test_links_are_refused(tmp_path: Path):
    path = sound(tmp_path / "t.xlsx")
    link = zipfile.ZipInfo("xl/link.xml")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "a") as package:
        package.writestr(link, "/etc/passwd")
    assert "link or device" in refusal(path).message


def test_encrypted_parts_are_refused(tmp_path: Path):
    path = sound(tmp_path / "t.xlsx")
    whole = bytearray(path.read_bytes())
    place = whole.find(b"PK\x01\x02")
    whole[place + 8] |= 1
    path.write_bytes(whole)
    assert (refusal(path).code, "encrypted" in refusal(path).message) == ("PACKAGE_UNSAFE", True)


def test_too_many_parts_are_refused(tmp_path: Path):
    extra = {f"xl/media/{i}": b"" for i in range(package_module.MAX_PARTS)}
    assert refusal(rewritten(tmp_path, lambda _, content: content, extra)).code == "PACKAGE_UNSAFE"


def test_cells_without_an_address_are_counted_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(package_module, "MAX_CELLS", 1000)
    rows = b"<row>" + b"<c><v>1</v></c>" * 101 + b"</row>"

    def full(name: str, content: bytes) -> bytes:
        if not name.endswith("sheet1.xml"):
            return content
        head, _, rest = content.partition(b"<sheetData>")
        return head + b"<sheetData>" + rows * 10 + rest[rest.index(b"</sheetData>") :]

    assert refusal(rewritten(tmp_path, full)).code == "SHEET_TOO_LARGE"


def test_workbook_in_a_workbook_is_not_opened(tmp_path: Path):
    inner = io.BytesIO(sound(tmp_path / "inner.xlsx").read_bytes())
    path = rewritten(tmp_path, lambda _, content: content, {"xl/embeddings/inner.xlsx": inner.read()})
    assert read_table(path).frame.rows() == [("1", "2"), ("x", "y")]


def test_sheet_that_points_at_a_file_outside_reads_nothing(tmp_path: Path):
    def pointing(name: str, content: bytes) -> bytes:
        if name == "xl/_rels/workbook.xml.rels":
            return content.replace(b"worksheets/sheet1.xml", b"../../../../etc/passwd")
        return content

    path = rewritten(tmp_path, pointing)
    error = refusal(path)
    assert error.code in {"XLSX_BROKEN", "FILE_EMPTY"}
    assert "root:" not in error.message


def test_checks_leave_a_sound_workbook_alone(tmp_path: Path):
    shutil.copy(sound(tmp_path / "a.xlsx"), tmp_path / "b.xlsx")
    assert read_table(tmp_path / "b.xlsx").frame.rows() == [("1", "2"), ("x", "y")]
