"""How to cite a figure: BibTeX, CSL-JSON or DataCite's JSON, with release, method version and the datasets behind it."""

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import Any

from app.routers.citing import PUBLISHER, tex


@dataclass(frozen=True, kw_only=True)
class CitedFigure:
    """What a citation of one or several figures is made of."""

    title: str
    release: int
    issued: dt.date
    """Day of the release."""
    address: str
    """Where the figures stay as they are."""
    method_versions: tuple[str, ...]
    datasets: tuple[dict[str, Any], ...]
    """Published terms of the datasets: id, title, owners, licence, licence_url, doi, citation."""
    unnamed: bool
    """Whether they rest on a dataset too that is not shown in that release."""

    @property
    def key(self) -> str:
        """A key that is the same for the same figures of the same release."""
        return f"sho-r{self.release}-{hashlib.sha256(self.title.encode()).hexdigest()[:8]}"

    @property
    def note(self) -> str:
        """Method and datasets with their licences, in a line."""
        versions = ", ".join(self.method_versions)
        said = [f"{_named(part)}. Licence: {part['licence']}" for part in self.datasets]
        said += ["a dataset that is not shown in this release"] if self.unnamed else []
        method = f"Method version {versions}. " if versions else ""
        return f"{method}Datasets: {'; '.join(said)}." if said else method.strip()


def _named(part: dict[str, Any]) -> str:
    if part["citation"]:
        return str(part["citation"]).removesuffix(".")
    owners = "; ".join(part["owners"])
    doi = f", doi:{part['doi']}" if part["doi"] else ""
    return f"{owners}: {part['title']}{doi}" if owners else f"{part['title']}{doi}"


def bibtex(cited: CitedFigure) -> str:
    """An entry of type misc, which every style knows."""
    fields = {
        "author": f"{{{PUBLISHER}}}",
        "title": f"{{{tex(cited.title)}}}",
        "year": str(cited.issued.year),
        "publisher": PUBLISHER,
        "version": f"release {cited.release}",
        "url": cited.address,
        "note": tex(cited.note),
    }
    body = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items() if value)
    return f"@misc{{{cited.key},\n{body}\n}}\n"


def csl(cited: CitedFigure) -> list[dict[str, Any]]:
    """CSL-JSON, for Zotero, Mendeley and Pandoc."""
    found = {
        "id": cited.key,
        "type": "dataset",
        "title": cited.title,
        "author": [{"literal": PUBLISHER}],
        "issued": {"date-parts": [[cited.issued.year, cited.issued.month, cited.issued.day]]},
        "publisher": PUBLISHER,
        "version": f"release {cited.release}",
        "URL": cited.address,
        "note": cited.note,
    }
    return [{name: value for name, value in found.items() if value}]


def datacite(cited: CitedFigure) -> dict[str, Any]:
    """Metadata in the JSON of DataCite's schema 4; the datasets are related items with their rights."""
    rights = {(part["licence"], part["licence_url"]) for part in cited.datasets}
    return {
        "creators": [{"name": PUBLISHER, "nameType": "Organizational"}],
        "titles": [{"title": cited.title}],
        "publisher": {"name": PUBLISHER},
        "publicationYear": cited.issued.year,
        "types": {"resourceTypeGeneral": "Dataset", "resourceType": "Regional estimate"},
        "dates": [{"date": cited.issued.isoformat(), "dateType": "Issued"}],
        "version": f"release {cited.release}",
        "rightsList": [
            {"rights": name, **({"rightsUri": url} if url else {})}
            for name, url in sorted(rights, key=lambda pair: (pair[0], pair[1] or ""))
        ],
        "descriptions": [{"description": cited.note, "descriptionType": "TechnicalInfo"}] if cited.note else [],
        "relatedIdentifiers": [
            {"relatedIdentifier": part["doi"], "relatedIdentifierType": "DOI", "relationType": "IsDerivedFrom"}
            for part in cited.datasets
            if part["doi"]
        ],
        "url": cited.address,
        "schemaVersion": "http://datacite.org/schema/kernel-4",
    }
