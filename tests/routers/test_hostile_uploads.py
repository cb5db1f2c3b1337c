"""Files from people who mean harm, or whose connection breaks: a plain answer, and nothing left behind."""

import asyncio
import io
import struct
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from app.db.session import Database
from app.errors import InputRefused
from app.routers import incoming
from tests.uploads import CSV, Desk, desk_on, problem, zipped

LIMIT = 1_000_000


@pytest.fixture(scope="module")
def desk(another: Callable[[str], Database], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("hostile")
    with desk_on(another("hostile"), folder, max_upload_mb=1, rate_limits=False) as here:
        here.dataset("hostile")
        yield here


@pytest.fixture
def clean(desk: Desk) -> Iterator[Desk]:
    """The desk, for a test that leaves no file behind."""
    before = desk.kept()
    yield desk
    assert desk.kept() == before


# What comes in -------------------------------------------------------------------------------------------------------


def test_file_over_the_limit_is_refused_by_its_announced_length(clean: Desk):
    answer = clean.send("hostile", b"x" * (LIMIT + 5_000_000))
    assert "MB" in problem(answer, 413)


def test_file_over_the_limit_is_refused_while_it_comes_where_nothing_announced_it(clean: Desk):
    answer = clean.send("hostile", iter([b"x" * 300_000] * 4))
    assert "1 MB" in problem(answer, 413)


def test_file_a_little_over_the_limit_is_refused_as_well(clean: Desk):
    assert "1 MB" in problem(clean.send("hostile", b"x" * (LIMIT + 1)), 413)


def test_empty_file_is_refused(clean: Desk):
    assert "empty" in problem(clean.send("hostile", b""), 400)


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/html", "image/png", "multipart/mixed"])
def test_body_that_is_no_file_is_refused_with_the_way_to_do_it(clean: Desk, kind: str):
    assert "application/octet-stream" in problem(clean.send("hostile", headers={"Content-Type": kind}), 415)


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "a/b.csv", "..", ".", " ", "a\\b.csv", "a\x00.csv", "a\nb.csv", "x" * 300, "\u0085"],
)
def test_file_name_that_is_more_than_a_name_is_refused(clean: Desk, name: str):
    answer = clean.send("hostile", filename=name)
    assert problem(answer, 400)
    assert answer.json()["errors"][0]["parameter"] == "filename"


@pytest.mark.parametrize(
    ("parameters", "status", "named"),
    [
        ({"mapping": "no-such-mapping"}, 404, "no-such-mapping"),
        ({"mapping": "/etc/passwd"}, 400, "mapping"),
        ({"mapping": "../mine.toml"}, 400, "mapping"),
        ({"mapping": "standard@7"}, 404, "standard"),
        ({"mode": "append"}, 400, "mode"),
        ({"strict": "perhaps"}, 400, "strict"),
        ({"dataset": "a'; DROP TABLE core.upload; --"}, 404, "dataset"),
        ({"dataset": "a\x00b"}, 400, "dataset"),
        ({"dataset": None}, 400, "dataset"),
        ({"color": "red"}, 400, "color"),
    ],
)
def test_wrong_parameter_is_named_before_the_file_is_read(
    clean: Desk, parameters: dict[str, Any], status: int, named: str
):
    query = {"dataset": "hostile", "filename": "made.csv", "mapping": "standard", **parameters}
    answer = clean.client.post(
        "/uploads",
        params={name: value for name, value in query.items() if value is not None},
        content=CSV,
        headers={"Content-Type": "text/csv", **clean.owner.headers},
    )
    assert named in problem(answer, status)


@pytest.mark.parametrize("key", ["", "a b", "x" * 256])
def test_idempotency_key_that_is_none_is_refused(clean: Desk, key: str):
    assert "idempotency-key" in problem(clean.send("hostile", headers={"Idempotency-Key": key}), 400)


@pytest.mark.parametrize("upload", ["1", "x'--", "00000000-0000-0000-0000-000000000000", "%00", "..%2f..%2fetc"])
def test_upload_id_that_names_nothing_is_404_everywhere(clean: Desk, upload: str):
    for path in ("", "/report", "/events", "/remarks"):
        problem(clean.get(f"/uploads/{upload}{path}"), 404)
    for path in ("/accept", "/cancel", "/withdraw"):
        problem(clean.post(f"/uploads/{upload}{path}"), 404)


# Forms ---------------------------------------------------------------------------------------------------------------


def form(*parts: tuple[str, bytes], end: bytes = b"--B--\r\n") -> bytes:
    return b"".join(f"--B\r\n{head}\r\n\r\n".encode() + body + b"\r\n" for head, body in parts) + end


FILE = 'Content-Disposition: form-data; name="file"; filename="made.csv"'


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (form(('Content-Disposition: form-data; name="dataset"', b"x")), "field 'dataset'"),
        (form((FILE, CSV), (FILE, CSV)), "more than one"),
        (form(), "no file"),
        (form((FILE, CSV), end=b""), "breaks off"),
        (form((FILE.replace("made", "../made"), CSV)), "folder"),
        (form((f"X-Long: {'x' * 20_000}\r\n{FILE}", CSV)), ""),
        (b"nonsense", ""),
        (form((FILE, b"")), "empty"),
    ],
)
def test_form_that_is_not_one_file_is_refused(clean: Desk, body: bytes, said: str):
    answer = clean.client.post(
        "/uploads",
        params={"dataset": "hostile", "mapping": "standard"},
        content=body,
        headers={"Content-Type": "multipart/form-data; boundary=B", **clean.owner.headers},
    )
    assert said in problem(answer, 400)


def test_form_over_the_limit_is_refused_while_it_comes(clean: Desk):
    answer = clean.client.post(
        "/uploads",
        params={"dataset": "hostile", "mapping": "standard"},
        content=iter([form((FILE, b"x" * 900_000), end=b"")[:-2], *[b"x" * 100_000] * 3]),
        headers={"Content-Type": "multipart/form-data; boundary=B", **clean.owner.headers},
    )
    assert "1 MB" in problem(answer, 413)


# Connections that stall or break -------------------------------------------------------------------------------------


class Wire:
    """A request whose body comes piece by piece, as a server hands it on."""

    def __init__(self, *messages: dict[str, Any], stall: bool = False) -> None:
        self.messages = list(messages)
        self.stall = stall

    async def __call__(self) -> dict[str, Any]:
        if self.messages:
            return self.messages.pop(0)
        if self.stall:
            await asyncio.sleep(3600)
        return {"type": "http.disconnect"}


def taking(desk: Desk, wire: Wire) -> Any:
    from concurrent.futures import ThreadPoolExecutor

    from starlette.requests import Request

    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", b"text/csv")], "path": "/uploads"}
    sink = desk.files.sink(LIMIT)
    # In a thread of its own: the browser tests keep an event loop running in this one.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, incoming.receive(Request(scope, wire), sink)).result()


def piece(body: bytes) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": True}


def test_upload_that_breaks_off_leaves_no_file(clean: Desk):
    with pytest.raises(InputRefused, match="UPLOAD_BROKEN"):
        taking(clean, Wire(piece(CSV), piece(CSV)))


def test_upload_that_stalls_leaves_no_file(clean: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(incoming, "IDLE_S", 0.05)
    with pytest.raises(InputRefused, match="UPLOAD_STALLED"):
        taking(clean, Wire(piece(CSV), stall=True))


def test_one_account_cannot_take_all_places(clean: Desk):
    slots = clean.client.app.state.slots  # type: ignore[attr-defined]
    from contextlib import ExitStack

    with ExitStack() as stack:
        for _ in range(incoming.COMING_MAX_EACH):
            stack.enter_context(slots.one(clean.owner.account))
        assert "coming in" in problem(clean.send("hostile"), 429)
        stack.enter_context(slots.one(None))  # somebody else still finds a place


# Archives ------------------------------------------------------------------------------------------------------------


def one(name: str, content: bytes = CSV, *, mode: int = 0o100644) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        item = zipfile.ZipInfo(name)
        item.external_attr = mode << 16
        item.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(item, content)
    return out.getvalue()


def encrypted() -> bytes:
    data = bytearray(one("made.csv"))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.find(mark) + offset
        data[place : place + 2] = struct.pack("<H", 1)
    return bytes(data)


def damaged() -> bytes:
    data = bytearray(one("made.csv", CSV * 20))
    middle = data.find(b"made.csv") + 8 + 20
    data[middle : middle + 20] = b"\x00" * 20
    return bytes(data)


def lying() -> bytes:
    """An archive that announces a small file and holds a large one."""
    data = bytearray(one("made.csv", b"1,2,3\n" * 3_000_000))
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = data.find(mark) + offset
        data[place : place + 4] = struct.pack("<I", 1000)
    return bytes(data)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (one("../made.csv"), "outside"),
        (one("/etc/made.csv"), "outside"),
        (one("..\\made.csv"), "outside"),
        (one("C:\\made.csv"), "outside"),
        (one("made.csv", b"/etc/passwd", mode=0o120777), "link"),
        (one("made.csv", b"", mode=0o020666), "link or device"),
        (encrypted(), "encrypted"),
        (damaged(), "damaged"),
        (lying(), "ARCHIVE_REFUSED"),
        (zipped({"inner.zip": zipped({"made.csv": CSV})}), "another archive"),
        (zipped({f"{i}.csv": b"a" for i in range(51)}), "51 files"),
        (zipped({"a/made.csv": CSV, "b/made.csv": CSV}), "two files"),
        (zipped({"made.csv": b"0" * 30_000_000}), "times its size"),
        (zipped({"made.csv": CSV, "other.csv": CSV}), "2 files"),
        (zipped({}), ""),
        (b"PK\x03\x04" + b"\x00" * 40, ""),
    ],
)  # fmt: skip
def test_archive_that_is_no_plain_set_of_files_is_refused(desk: Desk, content: bytes, said: str):
    upload = desk.checked("hostile", content, filename="made.zip")
    found = desk.get(f"/uploads/{upload}").json()
    assert found["state"] == "refused", found
    assert said in found["fault"]
    assert not list(desk.settings.data_dir.parent.glob("made.csv"))
    assert not list((desk.settings.data_dir / "scratch").glob("reading-*"))
    assert str(desk.settings.data_dir) not in found["fault"], "no path of ours is told"


# What is kept, and for how long --------------------------------------------------------------------------------------


def test_file_of_a_refused_upload_is_removed_after_its_time_and_others_stay(desk: Desk):
    import os

    from app import worker
    from app.pipelines import uploading

    desk.dataset("tidied")
    refused = desk.checked("tidied", b"a,b\n1,2\n")
    fresh = desk.checked("tidied", b"a,b\n1,3\n")
    stored = desk.stored("tidied")
    digest = {u: bytes.fromhex(desk.get(f"/uploads/{u}").json()["sha256"]) for u in (refused, fresh, stored)}
    unfinished = desk.files.folder / "incoming" / "incoming-dead"
    unfinished.write_bytes(b"x")
    for file in desk.kept():
        os.utime(file, (0, 0))
    desk.run("UPDATE core.upload SET finished_at = finished_at - interval '31 days' WHERE id = :i", i=refused)
    desk.run("UPDATE core.upload SET finished_at = finished_at - interval '31 days' WHERE id = :i", i=stored)
    uploading.tidy(desk.work, worker.remarks_folder(desk.settings))
    assert not desk.files.path(digest[refused]).exists()
    assert not unfinished.exists()
    assert desk.files.path(digest[fresh]).exists()
    assert desk.files.path(digest[stored]).exists()
    again = desk.client.put(f"/uploads/{refused}/mapping", headers=desk.owner.headers, json={"mapping": "standard"})
    assert again.status_code == 202
    desk.jobs()
    assert "no longer kept" in desk.get(f"/uploads/{refused}").json()["fault"]
    assert desk.send("tidied", b"a,b\n1,2\n", mode="replace").status_code == 201


def test_file_that_changed_on_the_disk_is_not_stored(desk: Desk):
    desk.dataset("rotten")
    upload = desk.checked("rotten")
    path = desk.files.path(bytes.fromhex(desk.get(f"/uploads/{upload}").json()["sha256"]))
    path.write_bytes(CSV.replace(b",20,", b",99,"))
    desk.post(f"/uploads/{upload}/accept")
    desk.jobs()
    assert (desk.state(upload), "Send it again" in desk.get(f"/uploads/{upload}").json()["fault"]) == ("failed", True)
    path.unlink()


def test_job_that_fails_for_good_says_so_in_plain_words(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    from app.pipelines import uploading

    def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("secret detail")

    desk.dataset("failing")
    upload = desk.send("failing", CSV.replace(b",20,", b",23,")).json()["id"]
    monkeypatch.setattr(uploading, "read", broken)
    for _ in range(3):
        desk.jobs()
        desk.run("UPDATE procrastinate_jobs SET scheduled_at = now() - interval '1 s' WHERE status = 'todo'")
    found = desk.get(f"/uploads/{upload}").json()
    assert found["state"] == "failed"
    assert "Nothing was stored" in found["fault"]
    assert "secret" not in found["fault"]
    monkeypatch.undo()
    again = desk.client.put(f"/uploads/{upload}/mapping", headers=desk.owner.headers, json={"mapping": "standard"})
    assert again.status_code == 202
    desk.jobs()
    assert desk.state(upload) == "checked"
