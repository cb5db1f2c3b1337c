"""What is stored becomes what is published: one release after the other."""

from collections.abc import Sequence
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
    Running it twice publishes the same rows again: a release more, the same data. A dataset that was withdrawn since
    the job was enqueued stays withdrawn, without a release. Returns the number of the release that is current then.
    """
    releases.await_turn(connection)
    record = datasets.by_id(connection, dataset)
    if record.state != "published":
        return releases.current(connection)
    number = releases.begin(
        connection, kind="publish", summary=f"Published {record.slug}: {record.title}.", content=str(dataset)
    )
    progress(f"publishing {record.slug}")
    releases.publish_dataset(connection, dataset, number)
    progress("choosing points for low zooms")
    releases.choose_zooms(connection, number)
    progress("estimating regions")
    estimate_regions(connection, sorted({*left, *releases.regions_of(connection, dataset)}), number)
    return number


def withdraw_dataset(connection: Connection, slug: str, *, forget: bool = False, progress: Progress = silent) -> int:
    """Take a dataset out of publication as a new release; with `forget` its observations are deleted as well."""
    record = datasets.find(connection, slug)
    if record is None:
        raise NotFound(f"There is no dataset {slug!r}.")
    releases.await_turn(connection)
    touched = releases.regions_of(connection, record.id)
    if record.state == "withdrawn" and not (forget and touched):
        raise InputRefused(f"The dataset {slug!r} is withdrawn already.", code="ALREADY_WITHDRAWN")
    number = releases.begin(
        connection, kind="withdraw", summary=f"Withdrew {slug}: {record.title}.", content=str(record.id)
    )
    datasets.set_state(connection, record.id, "withdrawn")
    if forget:
        samples.remove(connection, record.id)
        datasets.forget_uploads(connection, record.id)
    releases.close_dataset(connection, record.id, number)
    releases.choose_zooms(connection, number)
    progress("estimating regions")
    estimate_regions(connection, touched, number)
    return number


def refresh(connection: Connection, progress: Progress = silent) -> tuple[int, int]:
    """Compute derived values and estimates of all published datasets anew. Returns the release and what changed."""
    releases.await_turn(connection)
    for record in datasets.everything(connection):
        if record.state == "published":
            progress(f"computing {record.slug}")
            derive(connection, record.id)
    everywhere = regions.with_sites(connection)
    number = releases.begin(
        connection,
        kind="refresh",
        summary="Computed all indicators anew.",
        content=f"carbon {carbon.METHOD_VERSION}",
    )
    for record in datasets.everything(connection):
        if record.state == "published":
            releases.publish_dataset(connection, record.id, number)
    releases.choose_zooms(connection, number)
    progress("estimating regions")
    return number, estimate_regions(connection, everywhere, number)
