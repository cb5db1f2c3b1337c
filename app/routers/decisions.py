"""What a person decides about an upload: how it is read, accept, review, cancel, withdraw."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import Field, model_validator

from app.db import jobs, uploads
from app.errors import Conflict, Forbidden, InvalidParameter
from app.ingest.mapping import mapping_from_json, mapping_to_json
from app.ingest.propose.proposal import still_open
from app.pipelines import uploading
from app.routers import deps
from app.routers.bodies import Body, Line, Paragraph
from app.routers.deps import Desk, Here
from app.routers.identity import Member
from app.routers.schemas import ChosenMapping, UploadDocument
from app.routers.uploaded import CONFLICT, MAPPING_NAME, known, mapping_of, note, now, require_moved, require_place

router = APIRouter(prefix="/uploads", tags=["uploads"])

CANCELLABLE = ("received", "checking", "checked", "accepted", "in_review")
CORRECTABLE = ("checked", "refused", "failed")


class MappingChoice(Body):
    """How an upload is read: as proposed, by the answers to what we asked, by a saved mapping, or by one given here."""

    confirm: Literal[True] | None = None
    answers: dict[Line, Line] | None = None
    mapping: Annotated[str, Field(pattern=MAPPING_NAME)] | None = None
    body: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _one(self) -> "MappingChoice":
        if sum(item is not None for item in (self.confirm, self.answers, self.mapping, self.body)) != 1:
            raise ValueError("needs exactly one of: confirm, answers, mapping, body")
        return self


class Review(Body):
    """What a reviewer decided, and why."""

    decision: Literal["approve", "reject"]
    note: Paragraph | None = None

    @model_validator(mode="after")
    def _reason(self) -> "Review":
        if self.decision == "reject" and self.note is None:
            raise ValueError("a rejection needs a note for the contributor")
        return self


@router.put("/{upload_id}/mapping", summary="Say how the file is read", status_code=202, responses=CONFLICT)
def choose(
    request: Request, here: Here, caller: Member, connection: Desk, upload_id: str, choice: MappingChoice
) -> UploadDocument:
    """Confirm what we understood of the columns, or correct it. The file is then checked again."""
    deps.only(request)
    row = known(connection, caller, upload_id, "upload.write")
    proposal = _answered(row.proposal, {} if choice.confirm else choice.answers)
    if proposal is not None:
        name, body = None, None
    elif choice.body is not None:
        found = mapping_from_json(choice.body)
        name, body = found.name, mapping_to_json(found)
    else:
        name, body = mapping_of(connection, caller, choice.mapping)
    moved = uploads.move(
        connection,
        row.id,
        CORRECTABLE,
        "received",
        mapping=name,
        mapping_body=body,
        proposal=proposal or row.proposal,
        rules_version=None,
        report=None,
        rows_read=None,
        rows_stored=None,
        rows_refused=None,
        rows_ignored=None,
        step="waiting",
        progress=0,
        fault=None,
    )
    require_moved(connection, row.id, moved, "read in another way")
    uploading.enqueue_check(connection, row.id)
    note(connection, caller, "choose mapping", row.id, mapping=name)
    return now(request, here, connection, row.id)


@router.get("/{upload_id}/mapping", summary="How the file is read", responses=CONFLICT)
def chosen(request: Request, caller: Member, connection: Desk, upload_id: str) -> ChosenMapping:
    """The mapping that was confirmed or chosen, in the form in which `POST /mappings` takes one under any name."""
    deps.only(request)
    row = known(connection, caller, upload_id, "upload.read")
    if row.mapping is None:
        raise Conflict("Nobody has said yet how the file is read: PUT …/mapping.")
    tree = mapping_to_json(uploading.mapping_of(row))
    body = {key: entry for key, entry in tree.items() if key not in {"name", "title"}}
    return {"name": row.mapping, "title": tree["title"], "body": body}


@router.post("/{upload_id}/accept", summary="Accept the report", status_code=202, responses=CONFLICT)
def accept(request: Request, here: Here, caller: Member, connection: Desk, upload_id: str) -> UploadDocument:
    """Take the findings as they are: the file is stored and published, or goes to the network that reviews the dataset."""
    deps.only(request)
    row = known(connection, caller, upload_id, "upload.write")
    if row.state == "checked" and row.mapping is None:
        raise Conflict("First confirm or correct what we understood of the columns: PUT …/mapping.")
    if row.state == "checked" and not row.rows_stored:
        raise Conflict("No row could be stored; the report says why.")
    if row.state == "checked":
        require_place(connection, row.dataset_id, row.dataset_slug, replaces=row.replaces)
    networks = uploads.networks(connection, row.dataset_id)
    state = "in_review" if networks else "accepted"
    moved = uploads.move(
        connection, row.id, ("checked",), state, uploads.chosen_mapping(), step="waiting", progress=0, fault=None
    )
    require_moved(connection, row.id, moved, "accepted")
    if not networks:
        uploading.enqueue_store(connection, row.id)
    note(connection, caller, "accept upload", row.id, dataset=row.dataset_slug, state=state)
    return now(request, here, connection, row.id)


@router.post("/{upload_id}/review", summary="Approve or reject for a network", status_code=202, responses=CONFLICT)
def review(
    request: Request, here: Here, caller: Member, connection: Desk, upload_id: str, decision: Review
) -> UploadDocument:
    """Decide on an upload of a network's dataset. Nobody reviews what they sent themselves."""
    deps.only(request)
    row = known(connection, caller, upload_id, "upload.review")
    if row.account_id == caller.account and not caller.administrator:
        raise Forbidden("Nobody reviews what they sent themselves; ask another reviewer of the network.")
    approved = decision.decision == "approve"
    moved = uploads.move(
        connection,
        row.id,
        ("in_review",),
        "accepted" if approved else "rejected",
        decided_by=caller.account,
        decision=decision.note,
        fault=None if approved else decision.note,
        step="waiting" if approved else None,
    )
    require_moved(connection, row.id, moved, "reviewed")
    if approved:
        uploading.enqueue_store(connection, row.id)
    note(connection, caller, f"{decision.decision} upload", row.id, dataset=row.dataset_slug)
    return now(request, here, connection, row.id)


@router.post("/{upload_id}/cancel", summary="Give it up", responses=CONFLICT)
def cancel(request: Request, here: Here, caller: Member, connection: Desk, upload_id: str) -> UploadDocument:
    """Cancel an upload that is not being stored yet. A check that runs stops at its next step."""
    deps.only(request)
    row = known(connection, caller, upload_id, "upload.write")
    moved = uploads.move(connection, row.id, CANCELLABLE, "cancelled", step=None)
    require_moved(connection, row.id, moved, "cancelled")
    note(connection, caller, "cancel upload", row.id, dataset=row.dataset_slug)
    return now(request, here, connection, row.id)


@router.post("/{upload_id}/withdraw", summary="Take it out of publication", status_code=202, responses=CONFLICT)
def withdraw(request: Request, here: Here, caller: Member, connection: Desk, upload_id: str) -> UploadDocument:
    """Take the dataset that this upload filled out of publication, as a new release. It stays stored."""
    deps.only(request)
    row = known(connection, caller, upload_id, "dataset.withdraw")
    moved = uploads.tell(connection, row.id, "stored", "waiting to be withdrawn", None)
    require_moved(connection, row.id, moved, "withdrawn")
    jobs.enqueue(connection, "withdraw_upload", upload=str(row.id), account=str(caller.account))
    note(connection, caller, "ask for withdrawal", row.id, dataset=row.dataset_slug)
    return now(request, here, connection, row.id)


def _answered(proposal: dict[str, Any] | None, answers: dict[str, str] | None) -> dict[str, Any] | None:
    """The proposal with the answers to its questions, which the worker makes a mapping of."""
    if answers is None:
        return None
    if proposal is None:
        raise Conflict("There is no proposal to confirm; name a mapping or send one.")
    asked = {question["id"] for question in proposal["questions"]}
    if strange := sorted(answers.keys() - asked):
        raise InvalidParameter(f"answers.{strange[0][:60]}", "Nobody asked that.")
    if left := sorted(asked - answers.keys()):
        raise InvalidParameter("answers", still_open(left))
    return {**proposal, "answers": answers}
