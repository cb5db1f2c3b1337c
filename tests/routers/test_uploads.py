"""The flow of a file over HTTP, on a real database with real jobs."""

import csv
import io
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from app.db.session import Database
from app.identity.roles import Grant
from tests.test_pipelines import HEADER, ROW
from tests.uploads import BAD_ROW, CSV, MIXED, Desk, desk_on, problem, zipped


@pytest.fixture(scope="module")
def desk(another: Callable[[str], Database], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk_on(another("uploads"), tmp_path_factory.mktemp("uploads"), max_upload_mb=1, rate_limits=False) as here:
        yield here


# The way of a sound file ---------------------------------------------------------------------------------------------


def test_file_is_checked_accepted_stored_and_published(desk: Desk):
    dataset = desk.dataset("way")
    sent = desk.send("way", MIXED)
    assert sent.status_code == 201, sent.text
    upload = sent.json()
    assert sent.headers["location"].endswith(f"/uploads/{upload['id']}")
    assert (upload["state"], upload["dataset"], upload["filename"]) == ("received", "way", "made.csv")
    assert desk.files.path(bytes.fromhex(upload["sha256"])).read_bytes() == MIXED
    desk.jobs()
    checked = desk.get(f"/uploads/{upload['id']}").json()
    assert checked["state"] == "checked"
    assert checked["rows"] == {"read": 2, "stored": 1, "refused": 1, "ignored": 0}
    assert desk.run("SELECT count(*) FROM core.site WHERE dataset_id = :d", d=dataset).scalar() == 0
    report = desk.get(f"/uploads/{upload['id']}/report").json()
    assert [(i["code"], i["row"]) for i in report["issues"] if i["severity"] == "error"] == [("DEPTH_INVERTED", 3)]
    assert desk.post(f"/uploads/{upload['id']}/accept").json()["state"] == "accepted"
    desk.jobs()
    stored = desk.get(f"/uploads/{upload['id']}").json()
    assert (stored["state"], stored["fault"]) == ("stored", None)
    assert stored["finished_at"] is not None
    shown = desk.client.get("/collections/sites/items?dataset=way").json()
    assert shown["numberMatched"] == 1
    assert desk.run("SELECT max(number) FROM pub.release").scalar() == stored["release"]
    deeds = desk.run("SELECT action FROM core.audit WHERE target = :t ORDER BY entry", t=f"upload {upload['id']}")
    assert deeds.scalars().all() == ["send upload", "accept upload", "store upload"]


def test_form_of_a_browser_is_taken_as_well(desk: Desk):
    desk.dataset("form")
    sent = desk.client.post(
        "/uploads",
        params={"dataset": "form", "mapping": "standard"},
        files={"file": ("ünïcode name.csv", CSV, "text/csv")},
        headers=desk.owner.headers,
    )
    assert sent.status_code == 201, sent.text
    assert (sent.json()["filename"], sent.json()["size_bytes"]) == ("ünïcode name.csv", len(CSV))
    assert desk.files.path(bytes.fromhex(sent.json()["sha256"])).read_bytes() == CSV


def test_archive_of_the_files_of_a_source_is_unpacked(desk: Desk):
    desk.dataset("zip")
    upload = desk.checked("zip", zipped({"folder/made.csv": CSV}), filename="made.zip")
    found = desk.get(f"/uploads/{upload}").json()
    assert (found["state"], found["rows"]["stored"]) == ("checked", 1)
    assert desk.get(f"/uploads/{upload}/report").json()["tables"][0]["file"] == "made.csv"
    assert list((desk.settings.data_dir / "scratch").iterdir()) == []


def test_registered_terms_win_over_those_in_the_file(desk: Desk):
    dataset = desk.dataset("terms", licence="CC-BY-NC-4.0", licence_class="non_commercial", title="As registered")
    desk.stored("terms", CSV.replace(b"CC-BY-4.0", b"CC0-1.0"))
    found = desk.run("SELECT licence, title FROM core.dataset WHERE id = :d", d=dataset).one()
    assert tuple(found) == ("CC-BY-NC-4.0", "As registered")


# The same again ------------------------------------------------------------------------------------------------------


def test_same_file_for_the_same_dataset_is_the_same_upload(desk: Desk):
    desk.dataset("again")
    first = desk.send("again")
    second = desk.send("again")
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json()["id"] == first.json()["id"]
    desk.jobs()
    assert desk.send("again").json()["id"] == first.json()["id"]
    other = desk.send("again", CSV.replace(b",20,", b",21,"))
    assert other.status_code == 201
    desk.post(f"/uploads/{first.json()['id']}/cancel")
    assert desk.send("again").json()["id"] != first.json()["id"], "what was cancelled is over"


def test_same_file_sent_twice_at_once_is_one_upload(desk: Desk):
    desk.dataset("twice")
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: desk.send("twice"), range(4)))
    assert sorted(a.status_code for a in answers) == [200, 200, 200, 201]
    assert len({a.json()["id"] for a in answers}) == 1


def test_idempotency_key_makes_a_retry_safe_and_refuses_another_request(desk: Desk):
    desk.dataset("keyed")
    key = {"Idempotency-Key": "one-1"}
    first = desk.send("keyed", headers=key)
    assert desk.send("keyed", headers=key).json()["id"] == first.json()["id"]
    assert "Idempotency-Key" in problem(desk.send("keyed", MIXED, headers=key), 409)
    assert "Idempotency-Key" in problem(desk.send("keyed", headers=key, strict="true"), 409)
    desk.post(f"/uploads/{first.json()['id']}/cancel")
    assert desk.send("keyed", headers=key).json()["state"] == "cancelled", "the key names what it made"


# Corrections and decisions -------------------------------------------------------------------------------------------


def test_strict_upload_with_a_refused_row_is_refused(desk: Desk):
    desk.dataset("strict")
    upload = desk.checked("strict", MIXED, strict="true")
    found = desk.get(f"/uploads/{upload}").json()
    assert (found["state"], found["rows"]["refused"]) == ("refused", 1)
    assert "1 rows were refused" in found["fault"]
    problem(desk.post(f"/uploads/{upload}/accept"), 409)


def test_file_that_cannot_be_read_is_refused_with_its_reason(desk: Desk):
    desk.dataset("unreadable")
    upload = desk.checked("unreadable", b"a,b\n1,2\n")
    found = desk.get(f"/uploads/{upload}").json()
    assert found["state"] == "refused"
    assert "site_id" in found["fault"]
    report = desk.get(f"/uploads/{upload}/report").json()
    assert [i["code"] for i in report["issues"]] == ["COLUMNS_MISSING"]
    assert "refused" in problem(desk.get(f"/uploads/{upload}/remarks"), 409)


def test_refused_file_is_read_again_by_another_mapping(desk: Desk):
    desk.dataset("corrected")
    renamed = CSV.replace(b"site_id", b"place", 1)
    upload = desk.checked("corrected", renamed)
    assert desk.state(upload) == "refused"
    from app.ingest.mapping import load_mapping, mapping_to_json

    body = mapping_to_json(load_mapping("standard"))
    body["name"] = "mine"
    body["fields"]["site_id"] = {"column": "place"}
    body["tables"][0]["required"] = ["place"]
    chosen = desk.client.put(f"/uploads/{upload}/mapping", headers=desk.owner.headers, json={"body": body})
    assert (chosen.status_code, chosen.json()["state"]) == (202, "received"), chosen.text
    desk.jobs()
    found = desk.get(f"/uploads/{upload}").json()
    assert (found["state"], found["mapping"], found["rows"]["stored"]) == ("checked", "mine", 1)
    desk.post(f"/uploads/{upload}/accept")
    desk.jobs()
    assert desk.state(upload) == "stored"
    problem(desk.client.put(f"/uploads/{upload}/mapping", headers=desk.owner.headers, json={"mapping": "febr"}), 409)


@pytest.mark.parametrize("body", [{}, {"mapping": "none"}, {"mapping": "febr", "confirm": True}, {"body": {"a": 1}}])
def test_mapping_that_says_nothing_is_named(desk: Desk, body: dict[str, Any]):
    slug = f"unmapped-{len(str(body))}"
    desk.dataset(slug)
    upload = desk.checked(slug)
    answer = desk.client.put(f"/uploads/{upload}/mapping", headers=desk.owner.headers, json=body)
    assert answer.status_code in {400, 404}
    assert answer.json()["detail"]
    assert desk.state(upload) == "checked"


def test_file_without_a_mapping_is_proposed_and_read_only_as_confirmed(desk: Desk):
    desk.dataset("proposed")
    upload = desk.checked("proposed", mapping=None)
    found = desk.get(f"/uploads/{upload}").json()
    assert (found["state"], found["mapping"], found["proposal"]["known"]) == ("checked", None, "standard")
    assert found["rows"]["stored"] == 1, "a look at what it would be"
    assert "confirm" in problem(desk.post(f"/uploads/{upload}/accept"), 409)
    confirmed = desk.client.put(f"/uploads/{upload}/mapping", headers=desk.owner.headers, json={"confirm": True})
    assert confirmed.json()["state"] == "received", confirmed.text
    desk.jobs()
    assert (desk.state(upload), desk.get(f"/uploads/{upload}").json()["mapping"]) == ("checked", "standard")
    assert desk.post(f"/uploads/{upload}/accept").status_code == 202
    desk.jobs()
    assert desk.state(upload) == "stored"


def test_questions_about_an_unknown_file_are_answered_before_it_is_read(desk: Desk):
    desk.dataset("asked")
    content = b"plot;lon;lat;depth from;depth to;Corg\n" + b"".join(
        f"P{i};{37 + i / 100:.4f};{0.5 + i / 100:.4f};0;30;{20 + i}\n".encode() for i in range(12)
    )
    upload = desk.checked("asked", content, mapping=None, filename="own.csv")
    found = desk.get(f"/uploads/{upload}").json()
    questions = found["proposal"]["questions"]
    assert (found["state"], found["rows"]) == ("checked", None)
    assert questions, "a unit is never guessed"
    assert "licence" not in {question["id"] for question in questions}, "the dataset has its terms"
    path = f"/uploads/{upload}/mapping"

    def put(body: dict[str, Any]) -> Any:
        return desk.client.put(path, headers=desk.owner.headers, json=body)

    assert questions[0]["id"] in problem(put({"confirm": True}), 400)
    assert "Nobody asked" in problem(put({"answers": {"what": "x"}}), 400)
    answers = {q["id"]: (q["options"][0]["value"] if q["options"] else q["example"]) for q in questions}
    assert put({"answers": answers}).status_code == 202
    desk.jobs()
    read = desk.get(f"/uploads/{upload}").json()
    assert read["mapping"] is not None, read["fault"]
    assert read["rows"]["read"] == 12, read["fault"]


def test_confirmed_mapping_can_be_saved_and_used_for_the_next_file(desk: Desk):
    desk.dataset("season-1")
    desk.dataset("season-2")
    content = (
        b"plot;lon;lat;date;depth from;depth to;SOC (g/kg)\nP1;37.1234;0.5123;2019-03-14;0;30;21\n"
        b"P2;37.2345;0.5234;2019-03-14;0;30;22\nP3;37.3456;0.5345;2019-03-15;0;30;24\n"
    )
    first = desk.checked("season-1", content, mapping=None, filename="own.csv")
    path = f"/uploads/{first}/mapping"
    assert "Nobody has said yet" in problem(desk.get(path), 409)
    asked = desk.get(f"/uploads/{first}").json()["proposal"]["questions"]
    answers = {question["id"]: question["options"][0]["value"] for question in asked}
    assert desk.client.put(path, headers=desk.owner.headers, json={"answers": answers}).status_code == 202
    desk.jobs()
    chosen = desk.get(path).json()
    said = {"name": "field-sheet", "title": "Our field sheet", "body": chosen["body"], "shared": False}
    assert desk.post("/mappings", said).status_code == 201
    second = desk.checked("season-2", content.replace(b"2019-", b"2020-"), mapping="field-sheet", filename="next.csv")
    assert desk.get(f"/uploads/{second}").json()["rows"]["stored"] == 3
    stranger = desk.person("curious")
    problem(desk.get(path, by=stranger), 404)


def test_new_file_replaces_the_old_one_only_if_it_says_so(desk: Desk):
    dataset = desk.dataset("history")
    first = desk.stored("history")
    changed = CSV.replace(b",20,g/kg", b",25,g/kg")
    assert "mode=replace" in problem(desk.send("history", changed), 409)
    second = desk.stored("history", changed, mode="replace")
    values = desk.run(
        "SELECT r.value, s.upload_id FROM core.result r JOIN core.layer l ON l.id = r.layer_id JOIN core.visit v ON v.id = l.visit_id "
        "JOIN core.site s ON s.id = v.site_id WHERE s.dataset_id = :d AND r.property = 'soc'",
        d=dataset,
    ).all()
    assert [(value, str(upload)) for value, upload in values] == [(25.0, second)]
    listed = desk.get("/uploads", dataset="history").json()["uploads"]
    assert [(u["id"], u["state"]) for u in listed] == [(second, "stored"), (first, "superseded")]
    page = desk.get("/uploads", dataset="history", limit=1).json()
    rest = desk.client.get(page["links"][0]["href"], headers=desk.owner.headers).json()
    assert [u["id"] for u in page["uploads"] + rest["uploads"]] == [second, first]


def test_second_of_two_accepted_files_finds_the_place_taken(desk: Desk):
    desk.dataset("race")
    one, two = desk.checked("race"), desk.checked("race", CSV.replace(b",20,", b",21,"))
    for upload in (one, two):
        assert desk.post(f"/uploads/{upload}/accept").status_code == 202
    desk.jobs()
    assert (desk.state(one), desk.state(two)) == ("stored", "refused")
    assert "mode=replace" in desk.get(f"/uploads/{two}").json()["fault"]


def test_one_of_several_accepts_at_the_same_moment_wins(desk: Desk):
    desk.dataset("accepts")
    upload = desk.checked("accepts")
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: desk.post(f"/uploads/{upload}/accept").status_code, range(4)))
    assert sorted(answers) == [202, 409, 409, 409]
    desk.jobs()
    assert desk.state(upload) == "stored"


def test_cancelled_upload_is_not_checked_and_cannot_be_accepted(desk: Desk):
    desk.dataset("cancelled")
    sent = desk.send("cancelled").json()["id"]
    assert desk.post(f"/uploads/{sent}/cancel").json()["state"] == "cancelled"
    desk.jobs()
    assert desk.state(sent) == "cancelled"
    assert "cancelled" in problem(desk.post(f"/uploads/{sent}/accept"), 409)
    assert "cancelled" in problem(desk.post(f"/uploads/{sent}/cancel"), 409)
    assert desk.run("SELECT report FROM core.upload WHERE id = :i", i=sent).scalar() is None


def test_check_stops_at_its_next_step_once_the_upload_is_cancelled(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    desk.dataset("stopped")
    sent = desk.send("stopped").json()["id"]
    from app.pipelines import importing

    def cancelling(connection: Any, sites: Any) -> Any:
        assert desk.state(sent) == "checking"
        assert desk.get(f"/uploads/{sent}").json()["step"] == "placing sites in countries", "seen while it runs"
        assert desk.post(f"/uploads/{sent}/cancel").status_code == 200
        return real(connection, sites)

    real = importing.locate
    monkeypatch.setattr(importing, "locate", cancelling)
    desk.jobs()
    found = desk.get(f"/uploads/{sent}").json()
    assert (found["state"], found["rows"], found["step"]) == ("cancelled", None, None)


def test_withdrawn_upload_leaves_the_map_and_stays_stored(desk: Desk):
    dataset = desk.dataset("withdrawn")
    upload = desk.stored("withdrawn")
    assert desk.post(f"/uploads/{upload}/withdraw").status_code == 202
    desk.jobs()
    found = desk.get(f"/uploads/{upload}").json()
    assert found["state"] == "withdrawn"
    assert desk.client.get("/collections/sites/items?dataset=withdrawn").json()["numberMatched"] == 0
    assert desk.run("SELECT count(*) FROM core.site WHERE dataset_id = :d", d=dataset).scalar() == 1
    assert desk.run("SELECT kind FROM pub.release WHERE number = :n", n=found["release"]).scalar() == "withdraw"
    assert "withdrawn" in problem(desk.post(f"/uploads/{upload}/withdraw"), 409)


def test_embargo_keeps_what_is_stored_unseen_until_its_day(desk: Desk):
    import datetime as dt

    from app.pipelines import publishing

    dataset = desk.dataset("later", embargo_until=dt.date(2999, 1, 1))
    upload = desk.stored("later")
    found = desk.get(f"/uploads/{upload}").json()
    assert (found["state"], found["release"]) == ("stored", None)
    assert desk.client.get("/collections/sites/items?dataset=later").json()["numberMatched"] == 0
    desk.run("UPDATE core.dataset SET embargo_until = current_date WHERE id = :d", d=dataset)
    with desk.engine.begin() as connection:
        (number,) = publishing.publish_due(connection)
    assert desk.get(f"/uploads/{upload}").json()["release"] == number
    assert desk.client.get("/collections/sites/items?dataset=later").json()["numberMatched"] == 1


# Review --------------------------------------------------------------------------------------------------------------


def test_network_reviews_what_belongs_to_it(desk: Desk):
    desk.dataset("reviewed", network="north")
    reviewer = desk.person("Rita", Grant("reviewer", None, desk.network("north")))
    upload = desk.checked("reviewed")
    assert desk.post(f"/uploads/{upload}/accept").json()["state"] == "in_review"
    desk.jobs()
    assert desk.state(upload) == "in_review", "nothing is stored before the review"
    own = desk.post(f"/uploads/{upload}/review", {"decision": "approve"})
    assert own.status_code == 403, "the contributor is no reviewer"
    assert "note" in problem(desk.post(f"/uploads/{upload}/review", {"decision": "reject"}, by=reviewer), 400)
    approved = desk.post(f"/uploads/{upload}/review", {"decision": "approve", "note": "Sound."}, by=reviewer)
    assert (approved.status_code, approved.json()["state"]) == (202, "accepted")
    desk.jobs()
    assert (desk.state(upload), desk.get(f"/uploads/{upload}").json()["decision"]) == ("stored", "Sound.")
    deeds = desk.run("SELECT action, account_id FROM core.audit WHERE target = :t", t=f"upload {upload}").all()
    assert ("approve upload", reviewer.account) in [tuple(d) for d in deeds]


def test_systems_of_projected_coordinates_are_ranked_by_where_points_fall(desk: Desk):
    desk.dataset("projected")
    # Four points in the highlands of Kenya, in UTM zone 37 south.
    rows = "".join(f"P{i};{250_000 + i * 1000};{9_900_000 + i * 500};0;30;{20 + i}\n" for i in range(4))
    content = f"punto;este;norte;desde_cm;hasta_cm;soc_g_kg\n{rows}".encode()
    upload = desk.checked("projected", content, mapping=None)
    questions = desk.get(f"/uploads/{upload}").json()["proposal"]["questions"]
    (crs,) = [question for question in questions if question["id"] == "crs"]
    assert "100% on land" in crs["options"][0]["reason"]
    confidences = [option["confidence"] for option in crs["options"]]
    assert confidences == sorted(confidences, reverse=True)


def test_reviewer_finds_what_waits_in_the_own_networks_only(desk: Desk):
    for slug, network in (("wait-a", "east"), ("wait-b", "east"), ("wait-c", "west")):
        desk.dataset(slug, network=network)
        desk.post(f"/uploads/{desk.checked(slug)}/accept")
    desk.dataset("wait-d")
    desk.checked("wait-d")
    reviewer = desk.person("Rosa", Grant("reviewer", None, desk.network("east")))
    waiting = desk.get("/uploads", by=reviewer, state="in_review").json()["uploads"]
    assert [u["dataset"] for u in waiting] == ["wait-b", "wait-a"]
    first = desk.get("/uploads", by=reviewer, state="in_review", limit=1).json()
    (onward,) = [item["href"] for item in first["links"] if item["rel"] == "next"]
    second = desk.client.get(onward, headers=reviewer.headers).json()
    assert [u["dataset"] for u in (*first["uploads"], *second["uploads"])] == ["wait-b", "wait-a"]
    assert desk.get("/uploads", by=reviewer, state="stored").json()["uploads"] == []
    everything = desk.get("/uploads", by=desk.administrator, state="in_review").json()["uploads"]
    assert {"wait-a", "wait-b", "wait-c"} <= {u["dataset"] for u in everything}
    stranger = desk.person("Sven", Grant("contributor"))
    assert desk.get("/uploads", by=stranger).json()["uploads"] == []
    assert "state" in problem(desk.get("/uploads", state="lost"), 400)


def test_rejected_upload_says_why_and_is_over(desk: Desk):
    desk.dataset("rejected", network="north")
    reviewer = desk.person("Rolf", Grant("reviewer", None, desk.network("north")))
    upload = desk.checked("rejected")
    desk.post(f"/uploads/{upload}/accept")
    answer = desk.post(f"/uploads/{upload}/review", {"decision": "reject", "note": "Depths in inches?"}, by=reviewer)
    assert answer.json()["state"] == "rejected"
    assert desk.get(f"/uploads/{upload}").json()["fault"] == "Depths in inches?"
    assert desk.post(f"/uploads/{upload}/review", {"decision": "approve"}, by=reviewer).status_code == 409


def test_nobody_reviews_what_they_sent_themselves(desk: Desk):
    dataset = desk.dataset("self", network="north")
    both = desk.person("Bob", Grant("contributor", dataset), Grant("coordinator", None, desk.network("north")))
    upload = desk.checked("self", by=both)
    desk.post(f"/uploads/{upload}/accept", by=both)
    assert "themselves" in problem(desk.post(f"/uploads/{upload}/review", {"decision": "approve"}, by=both), 403)
    assert desk.post(f"/uploads/{upload}/review", {"decision": "approve"}, by=desk.administrator).status_code == 202


# What may be seen ----------------------------------------------------------------------------------------------------


def test_uploads_of_others_are_as_if_they_were_not_there(desk: Desk):
    desk.dataset("private")
    upload = desk.checked("private")
    stranger = desk.person("Stan", Grant("contributor"))
    for method, path in (
        ("GET", ""), ("GET", "/report"), ("GET", "/events"), ("GET", "/remarks"), ("POST", "/accept"),
        ("POST", "/cancel"), ("POST", "/withdraw"),
    ):  # fmt: skip
        answer = desk.client.request(method, f"/uploads/{upload}{path}", headers=stranger.headers)
        assert "nothing here" in problem(answer, 404), path
        assert desk.client.request(method, f"/uploads/{upload}{path}").status_code == 401, path
    assert "nothing here" in problem(desk.get("/uploads", by=stranger, dataset="private"), 404)
    assert "nothing here" in problem(desk.send("private", by=stranger), 404)
    assert desk.send("no-such-set", by=stranger).json()["detail"] == desk.send("private", by=stranger).json()[
        "detail"
    ].replace("private", "no-such-set"), "both answers tell the same"
    assert desk.state(upload) == "checked"
    reader = desk.person(
        "Rea", Grant("reader", desk.run("SELECT id FROM core.dataset WHERE slug = 'private'").scalar())
    )
    assert desk.get(f"/uploads/{upload}", by=reader).status_code == 200
    assert desk.post(f"/uploads/{upload}/accept", by=reader).status_code == 403


def test_report_is_paged_and_filtered(desk: Desk):
    desk.dataset("paged")
    rows = [BAD_ROW.replace("S2,P2", f"B{i},P{i}") for i in range(70)]
    upload = desk.checked("paged", "\n".join([HEADER, ROW, *rows]).encode())
    whole = desk.get(f"/uploads/{upload}/report", limit=5000).json()
    first = desk.get(f"/uploads/{upload}/report", code="DEPTH_INVERTED", limit=30).json()
    assert first["issues_matched"] == 50, "examples; the count is complete"
    assert {c["code"]: c["count"] for c in first["counts"]}["DEPTH_INVERTED"] == 70
    following = next(entry["href"] for entry in first["links"] if entry["rel"] == "next")
    second = desk.client.get(following, headers=desk.owner.headers).json()
    assert len(second["issues"]) == 20
    assert [i for i in whole["issues"] if i["code"] == "DEPTH_INVERTED"] == first["issues"] + second["issues"]


# Events --------------------------------------------------------------------------------------------------------------


def told(answer: Any) -> list[dict[str, str]]:
    """The events of a stream, comments left out."""
    blocks = [block for block in answer.text.split("\n\n") if block]
    return [dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":")) for block in blocks]


def test_events_follow_an_upload_to_its_rest(desk: Desk):
    desk.dataset("events")
    upload = desk.send("events").json()["id"]
    with ThreadPoolExecutor(1) as pool:
        listening = pool.submit(lambda: desk.get(f"/uploads/{upload}/events"))
        desk.jobs()
        answer = listening.result(timeout=60)
    assert answer.headers["content-type"].startswith("text/event-stream")
    found = told(answer)
    assert found[0] == {"retry": "2000"}
    assert '"state": "checked"' in found[-1]["data"]
    assert found[-1]["event"] == "upload"
    again = desk.client.get(
        f"/uploads/{upload}/events", headers={**desk.owner.headers, "Last-Event-ID": found[-1]["id"]}
    )
    assert (again.status_code, again.content) == (204, b""), "nothing new will come"
    later = desk.client.get(f"/uploads/{upload}/events", headers={**desk.owner.headers, "Last-Event-ID": "1.0"})
    assert told(later)[-1] == found[-1]


# The file back -------------------------------------------------------------------------------------------------------


def fetched(desk: Desk, upload: str) -> Any:
    first = desk.get(f"/uploads/{upload}/remarks")
    assert (first.status_code, first.headers["retry-after"]) == (202, "2"), first.text
    desk.jobs()
    answer = desk.get(f"/uploads/{upload}/remarks")
    assert answer.status_code == 200, answer.text
    return answer


def test_file_comes_back_with_remarks_on_every_row(desk: Desk):
    desk.dataset("remarked")
    bad = [BAD_ROW.replace("S2,P2", f"B{i},P{i}") for i in range(60)]
    hostile = ROW.replace("S1,P1", "S3,P3").replace(",KE,", ",XX,")
    header = HEADER.replace(",", ";") + ";remarks"
    lines = [ROW, *bad, hostile]
    cells = ['=HYPERLINK("x")', "-12.5", "@cmd", "+1,5", "-"] + ["ok"] * 57
    quoted = [
        f'{line.replace(",", ";")};"{cell.replace(chr(34), chr(34) * 2)}"'
        for line, cell in zip(lines, cells, strict=True)
    ]
    content = ("\r\n".join([header, quoted[0], "", *quoted[1:]]) + "\r\n").encode("cp1252")
    upload = desk.checked("remarked", content)
    assert desk.state(upload) == "checked", desk.get(f"/uploads/{upload}").text
    answer = fetched(desk, upload)
    assert 'filename="made-remarks.csv"' in answer.headers["content-disposition"]
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert rows[0][-1].startswith("observatory_remarks")
    assert [row[:16] for row in rows[1:2] + rows[3:]] == [line.split(",") for line in lines], "all rows, in their order"
    assert rows[2][0] == "" if rows[2] else True
    assert [row[16] for row in rows[1:2] + rows[3:]][:5] == ['\'=HYPERLINK("x")', "-12.5", "'@cmd", "+1,5", "-"]
    assert all("DEPTH_INVERTED" in row[-1] for row in rows[3:63]), "not the 50 examples only"
    assert "ROW_BLANK" in rows[2][-1]


def test_workbook_comes_back_as_a_workbook_without_formulas(desk: Desk, tmp_path: Path):
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append([*HEADER.split(","), "remarks"])
    for line, note in ((ROW, "=1+1"), (BAD_ROW, "@x")):
        cells: list[Any] = [float(c) if c.replace(".", "", 1).isdigit() else c for c in line.split(",")]
        sheet.append([*cells, note])
    sheet["Q2"].data_type = "s"
    book.create_sheet("Notes").append(["kept", 1.5])
    path = tmp_path / "made.xlsx"
    book.save(path)
    desk.dataset("workbook")
    upload = desk.checked("workbook", path.read_bytes(), filename="made.xlsx")
    answer = fetched(desk, upload)
    back = openpyxl.load_workbook(io.BytesIO(answer.content))
    assert back.sheetnames == ["Sheet", "Notes"]
    rows = list(back["Sheet"].iter_rows(values_only=True))
    assert rows[0][17] == "observatory_remarks" or str(rows[0][17]).startswith("observatory_remarks")
    assert "DEPTH_INVERTED" in str(rows[2][17])
    assert (rows[1][2], rows[1][16]) == (37.1234, "=1+1")
    assert back["Sheet"]["Q2"].data_type == "s", "text, not a formula"
    assert list(back["Notes"].iter_rows(values_only=True)) == [("kept", 1.5)]


def test_rows_that_fall_with_their_site_are_told_why(desk: Desk):
    desk.dataset("fallen")
    second = ROW.replace(",0,30,", ",30,60,")
    upload = desk.checked(
        "fallen",
        "\n".join(
            [
                HEADER,
                ROW.replace("S1,P1,37.1234,0.5123", "S9,P9,0,0"),
                second.replace("S1,P1,37.1234,0.5123", "S9,P9,0,0"),
                ROW,
            ]
        ).encode(),
    )
    rows = list(csv.reader(io.StringIO(fetched(desk, upload).content.decode("utf-8-sig"), newline="")))
    assert "COORD_ZERO" in rows[1][-1]
    assert "COORD_ZERO" in rows[2][-1]
    assert len(rows[3]) == len(rows[0])
    assert "COORD_ZERO" not in rows[3][-1]


def test_file_with_remarks_can_be_corrected_and_sent_again(desk: Desk):
    desk.dataset("again")
    odd = ROW.replace("S1,P1,", "-4-PR,P4,").replace("37.1234", "37.4321")
    lines = [HEADER, odd, odd, ROW.replace(",0,30,", ",30,0,")]
    first = desk.checked("again", "\n".join(lines).encode())
    came_back = fetched(desk, first).content
    (told, twice, inverted) = list(csv.reader(io.StringIO(came_back.decode("utf-8-sig"), newline="")))[1:]
    assert told[0] == "'-4-PR"
    assert twice[-1].startswith("DUPLICATE_ROW")
    assert inverted[-1].startswith("DEPTH_INVERTED"), "what is refused comes first"
    assert "The row is not stored." in inverted[-1]
    assert inverted[-1].count("DEPTH_INVERTED") == 1
    second = desk.checked("again", came_back.replace(b",30,0,", b",0,30,"))
    said = desk.get(f"/uploads/{second}/report").json()
    assert said["rows"] == {"read": 3, "stored": 2, "refused": 0, "ignored": 1}
    assert {count["code"] for count in said["counts"]} >= {"DUPLICATE_ROW", "REMARKS_LEFT_OUT"}
    assert desk.post(f"/uploads/{second}/accept").status_code == 202
    desk.jobs()
    assert desk.run("SELECT count(*) FROM core.site WHERE own_id = '-4-PR'").scalar_one() == 1


def test_archive_with_remarks_can_be_sent_again(desk: Desk):
    desk.dataset("joined")
    body = {
        "dataset": {"slug": "joined", "title": "Joined", "licence": "CC0-1.0"},
        "tables": [
            {"name": "layers", "role": "layers", "file": "layers.txt", "key": ["plot"]},
            {"name": "plots", "role": "sites", "file": "plots.txt", "key": ["plot"]},
        ],
        "fields": {
            name: {"column": column}
            for name, column in {
                "site_id": "plot", "longitude": "lon", "latitude": "lat", "top_cm": "from", "bottom_cm": "to",
            }.items()
        },
        "values": [{"column": "soc", "property": "soc", "unit": "g/kg"}],
    }  # fmt: skip
    saved = desk.post("/mappings", {"name": "joined", "title": "Joined", "body": body, "shared": False})
    assert saved.status_code == 201, saved.text
    files = {
        "layers.txt": b"plot;from;to;soc\n-A;0;30;21\n-B;0;30;22\n",
        "plots.txt": b"plot;lon;lat\n-A;37.1234;0.5123\n-B;37.2345;0.5234\n",
    }
    first = desk.checked("joined", zipped(files), mapping="joined", filename="joined.zip")
    before = desk.get(f"/uploads/{first}").json()
    assert before["rows"] == {"read": 4, "stored": 4, "refused": 0, "ignored": 0}, before["fault"]
    came_back = fetched(desk, first).content
    with zipfile.ZipFile(io.BytesIO(came_back)) as archive:
        assert sorted(archive.namelist()) == ["layers.txt", "plots.txt"]
        assert b"'-A" in archive.read("plots.txt")
    second = desk.checked("joined", came_back, mapping="joined", filename="joined-remarks.zip")
    assert desk.get(f"/uploads/{second}").json()["rows"] == before["rows"]
