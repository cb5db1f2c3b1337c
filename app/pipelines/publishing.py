"""What is stored becomes what is published: one release after the other.

Who publishes holds the rows of the datasets first and waits for the turn then, in this order everywhere: an import has
its dataset before it publishes it.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from app.db import datasets, regions, releases, samples
from app.errors import InputRefused, NotFound
from app.pipelines.deriving import derive
from app.pipelines.estimating import estimate_regions
from app.pipelines.progress import Progress, silent
from app.soil import carbon


def publish_dataset(
    connection: Connection, dataset: UUID, left: Sequence[str] = (), progress: Progress = silent
) -> int:
    """Publish the present state of a dataset as a new release and bring the estimates of its regions up to date.

    left : regions in which the dataset had sites before and may have none now.
    Running it twice writes no row twice: a release more, the same data. A draft becomes published. A dataset that was
    withdrawn since the job was enqueued stays withdrawn, and one under embargo stays unseen, both without a release,
    unless something was taken down at once and the figures wait for it. Returns the number of the release that is
    current then.
    """
    datasets.hold(connection, [dataset])
    releases.await_turn(connection)
    return _publish(connection, dataset, left, progress)


def publish_due(connection: Connection, progress: Progress = silent) -> list[int]:
    """Publish the datasets whose embargo is over, each as a release of its own. To be done once a day."""
    waiting = releases.due(connection)
    datasets.hold(connection, waiting)
    releases.await_turn(connection)
    return [_publish(connection, dataset, (), progress) for dataset in waiting]


def withdraw_dataset(
    connection: Connection, slug: str, *, reason: str | None = None, forget: bool = False, progress: Progress = silent
) -> int:
    """Take a dataset out of publication as a new release; with `forget` its observations are deleted as well.

    reason : told to everybody beside the title, which stays readable.
    """
    record = _held(connection, slug)
    touched = releases.regions_of(connection, record.id)
    if record.state == "withdrawn" and not (forget and touched):
        raise InputRefused(f"The dataset {slug!r} is withdrawn already.", code="ALREADY_WITHDRAWN")
    number = releases.begin(
        connection,
        kind="withdraw",
        summary=f"Withdrew {slug}: {record.title}.",
        content=str(record.id),
        dataset=record.id,
    )
    datasets.set_state(connection, record.id, "withdrawn", reason)
    if forget:
        samples.remove(connection, record.id)
        datasets.forget_uploads(connection, record.id)
    changes = releases.close_dataset(connection, record.id, number)
    releases.choose_zooms(connection, number, releases.unsettled(connection, record.id))
    progress("estimating regions")
    figures = estimate_regions(connection, touched, number)
    releases.seal(connection, number, changes, figures=figures, reason=reason)
    return number


def restore_dataset(connection: Connection, slug: str, progress: Progress = silent) -> int:
    """Publish a withdrawn dataset again as a new release."""
    record = _held(connection, slug)
    if record.state != "withdrawn":
        raise InputRefused(f"The dataset {slug!r} is not withdrawn.", code="NOT_WITHDRAWN")
    datasets.set_state(connection, record.id, "published")
    return _publish(connection, record.id, (), progress)


def refresh(connection: Connection, progress: Progress = silent) -> tuple[int, int]:
    """Compute derived values and estimates of all published datasets anew. Returns the release and what changed."""
    # Whoever replaces a dataset meanwhile waits: its profiles would vanish under the values computed for them.
    datasets.hold(connection, [record.id for record in datasets.everything(connection)])
    releases.await_turn(connection)
    published = [record for record in datasets.everything(connection) if record.state == "published"]
    for record in published:
        progress(f"computing {record.slug}")
        derive(connection, record.id)
    everywhere = regions.with_sites(connection)
    number = releases.begin(
        connection,
        kind="refresh",
        summary="Computed all indicators anew.",
        content=f"carbon {carbon.METHOD_VERSION}",
    )
    changes = releases.Changes()
    for record in published:
        changes += releases.publish_dataset(connection, record.id, number)
    progress("estimating regions")
    figures = estimate_regions(connection, everywhere, number)
    releases.seal(connection, number, changes, figures=figures)
    return number, figures


def _held(connection: Connection, slug: str) -> Any:
    """The record of a dataset that nobody else changes from here on, with the turn to publish."""
    found = datasets.find(connection, slug)
    if found is None:
        raise NotFound(f"There is no dataset {slug!r}.")
    datasets.hold(connection, [found.id])
    releases.await_turn(connection)
    return datasets.by_id(connection, found.id)


def _publish(connection: Connection, dataset: UUID, left: Sequence[str], progress: Progress) -> int:
    """Publish a dataset whose row is held, in our turn."""
    record = datasets.by_id(connection, dataset)
    before = releases.shown(connection, dataset)
    taken_down = releases.unsettled(connection, dataset)
    is_shown = before is not None and before.released_to is None
    hidden = record.state == "withdrawn" or _under_embargo(record)
    if hidden and not is_shown and taken_down is None:
        return releases.current(connection)
    if record.state == "draft":
        datasets.set_state(connection, dataset, "published")
    kind, summary = _what(connection, record, before, taken_down=taken_down)
    touched = {*left, *releases.regions_of(connection, dataset)}
    number = releases.begin(connection, kind=kind, summary=summary, content=str(dataset), dataset=dataset)
    progress(f"publishing {record.slug}")
    if record.state != "withdrawn":
        changes = releases.publish_dataset(connection, dataset, number)
    elif before is None or not is_shown:
        changes = releases.Changes()
    else:
        changes = releases.close_dataset(connection, dataset, number)
    if record.state == "withdrawn" or taken_down is not None:
        progress("choosing points for low zooms")
        releases.choose_zooms(connection, number, taken_down)
    progress("estimating regions")
    figures = estimate_regions(connection, sorted(touched), number)
    why = {"reason": record.withdrawn_because} if kind == "withdraw" else {}
    releases.seal(connection, number, changes, figures=figures, **why)
    if not hidden:
        datasets.mark_released(connection, dataset, number)
    return number


def _under_embargo(record: Any) -> bool:
    until: dt.date | None = record.embargo_until
    return until is not None and until > dt.datetime.now(dt.UTC).date()


def _what(connection: Connection, record: Any, before: Any, *, taken_down: int | None) -> tuple[str, str]:
    """The kind of release that publishing a dataset now makes, and the sentence that says so."""
    name = f"{record.slug}: {record.title}."
    is_shown = before is not None and before.released_to is None
    if record.state == "withdrawn" or _under_embargo(record):
        found = (
            ("settle", "Figures without")
            if not is_shown
            else ("withdraw", "Withdrew")
            if record.state == "withdrawn"
            else ("embargo", f"Took back until {record.embargo_until}")
        )
    elif before is None:
        found = ("publish", "Published")
    elif taken_down is not None or (is_shown and _terms_changed(record, before)):
        found = ("terms", "Published under its new terms")
    elif not is_shown:
        found = ("restore", "Published again")
    elif datasets.unreleased_upload(connection, record.id) is not None:
        found = ("supersede", "Published a new version of")
    else:
        found = ("publish", "Published")
    kind, words = found
    return kind, f"{words} {name}"


def _terms_changed(record: Any, before: Any) -> bool:
    return any(getattr(record, field) != getattr(before, field) for field in releases.DECLARED)
