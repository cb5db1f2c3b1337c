"""A service with people and datasets of their own, and its jobs, for tests of what is sent."""

import contextlib
import io
import zipfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from app import worker
from app.db import accounts, datasets, session
from app.db.session import Database
from app.identity.roles import Grant
from app.ingest.keeping import Store
from app.main import create_app
from app.pipelines.uploading import Work
from app.settings import Settings
from tests.builders import DEFAULTS
from tests.people import Person, person
from tests.test_pipelines import HEADER, ROW

CSV = f"{HEADER}\n{ROW}\n".encode()
BAD_ROW = ROW.replace("S1,P1", "S2,P2").replace(",0,30,", ",30,0,")
MIXED = f"{HEADER}\n{ROW}\n{BAD_ROW}\n".encode()


@dataclass(frozen=True)
class Desk:
    """The service, its database, and somebody who may send files."""

    client: TestClient
    engine: Engine
    database: Database
    settings: Settings
    owner: Person
    administrator: Person

    @property
    def files(self) -> Store:
        return Store(self.settings.uploads_dir)

    @property
    def work(self) -> Work:
        return worker.work_of(self.engine, self.settings)

    def kept(self) -> list[Path]:
        """All files below the folder of uploads, unfinished ones included."""
        return sorted(file for file in self.settings.uploads_dir.rglob("*") if file.is_file())

    def run(self, statement: str, **values: Any) -> Any:
        with self.engine.begin() as connection:
            return connection.execute(text(statement), values)

    def person(self, name: str, *grants: Grant) -> Person:
        with self.engine.begin() as connection:
            return person(connection, name, *grants)

    def dataset(self, slug: str, *, owner: Person | None = None, network: str | None = None, **terms: Any) -> UUID:
        """Register a dataset as its owner would."""
        with self.engine.begin() as connection:
            made = datasets.register(connection, {**DEFAULTS, "slug": slug, "state": "draft", **terms}, ["Olga"])
            accounts.give(connection, (owner or self.owner).account, "contributor", dataset_id=made)
            if network:
                number = connection.scalar(
                    text(
                        "INSERT INTO core.network (code, name_en) VALUES (:c, :c) "
                        "ON CONFLICT (code) DO UPDATE SET name_en = :c RETURNING id"
                    ),
                    {"c": network},
                )
                connection.execute(text("INSERT INTO core.dataset_network VALUES (:d, :n)"), {"d": made, "n": number})
        return made

    def network(self, code: str) -> UUID:
        return UUID(str(self.run("SELECT id FROM core.network WHERE code = :c", c=code).scalar_one()))

    def send(
        self,
        dataset: str,
        content: Any = CSV,
        *,
        by: Person | None = None,
        headers: Mapping[str, str] | None = None,
        **parameters: Any,
    ) -> Any:
        query = {"dataset": dataset, "filename": "made.csv", "mapping": "standard", **parameters}
        return self.client.post(
            "/uploads",
            params={name: value for name, value in query.items() if value is not None},
            content=content,
            headers={"Content-Type": "text/csv", **(by or self.owner).headers, **(headers or {})},
        )

    def jobs(self) -> None:
        """Do all that waits, as a worker does."""
        # In a thread of its own: the browser tests keep an event loop running in this one.
        with ThreadPoolExecutor(1) as pool:
            pool.submit(worker.work, self.database, self.settings, wait=False).result()

    def get(self, path: str, by: Person | None = None, **parameters: Any) -> Any:
        return self.client.get(path, headers=(by or self.owner).headers, params=parameters)

    def post(self, path: str, body: Any = None, by: Person | None = None) -> Any:
        return self.client.post(path, headers=(by or self.owner).headers, json=body)

    def state(self, upload: str) -> str:
        return str(self.get(f"/uploads/{upload}", by=self.administrator).json()["state"])

    def checked(self, dataset: str, content: Any = CSV, **parameters: Any) -> str:
        """Send a file and check it; the id of the upload."""
        sent = self.send(dataset, content, **parameters)
        assert sent.status_code == 201, sent.text
        self.jobs()
        return str(sent.json()["id"])

    def stored(self, dataset: str, content: Any = CSV, **parameters: Any) -> str:
        """Send a file, accept it and store it; the id of the upload."""
        upload = self.checked(dataset, content, **parameters)
        accepted = self.post(f"/uploads/{upload}/accept")
        assert accepted.status_code == 202, accepted.text
        self.jobs()
        assert self.state(upload) == "stored"
        return upload


@contextlib.contextmanager
def desk_on(own: Database, folder: Path, **settings: Any) -> Iterator[Desk]:
    """A service on a database, with files below a folder."""
    found = Settings(
        database_url=own.owner.render_as_string(hide_password=False),
        data_dir=folder,
        log_level="error",
        _env_file=None,
        **settings,
    )
    app = create_app(found)
    with session.disposing(own.worker_engine()) as engine, TestClient(app, raise_server_exceptions=False) as client:
        with engine.begin() as connection:
            owner = person(connection, "Olga", Grant("contributor"))
            administrator = person(connection, "Ada", Grant("administrator"))
        yield Desk(client, engine, own, found, owner, administrator)


def zipped(files: Mapping[str, bytes]) -> bytes:
    """An archive of some files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def problem(answer: Any, status: int) -> str:
    """The detail of a problem document with that status."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return str(answer.json()["detail"])
