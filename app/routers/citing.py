"""How to cite a dataset: BibTeX, CSL-JSON, DataCite's JSON, or a line of text, all from its published terms."""

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

Format = Literal["bibtex", "csl", "datacite", "text"]
PUBLISHER = "Soil Health Observatory"
SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "%": r"\%",
    "&": r"\&",
    "#": r"\#",
    "_": r"\_",
    "$": r"\$",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}
MEDIA = {
    "bibtex": "application/x-bibtex; charset=utf-8",
    "csl": "application/vnd.citationstyles.csl+json",
    "datacite": "application/vnd.datacite.datacite+json",
    "text": "text/plain; charset=utf-8",
}


@dataclass(frozen=True, kw_only=True)
class Cited:
    """What a citation is made of."""

    slug: str
    title: str
    owners: tuple[str, ...]
    issued: dt.date
    licence: str
    licence_url: str | None
    doi: str | None
    address: str
    release: int | None
    """Release since which it has been published like this; None for a draft."""
    asked: str | None
    """How its owners ask to be cited."""
    description: str | None
    withdrawn: bool = False


def text(cited: Cited) -> str:
    """A line: as the owners ask, with the release it was taken from."""
    known = cited.asked or (
        f"{'; '.join(cited.owners)} ({cited.issued.year}). {cited.title}. {PUBLISHER}."
        + (f" https://doi.org/{cited.doi}" if cited.doi else f" {cited.address}")
    )
    end = "" if known.endswith(".") else "."
    version = "" if cited.release is None else f" Release {cited.release} of the {PUBLISHER}."
    gone = " Withdrawn." if cited.withdrawn else ""
    return f"{known}{end}{version}{gone} Licence: {cited.licence}."


def bibtex(cited: Cited) -> str:
    """An entry of type misc, which every style knows."""
    fields = {
        "author": " and ".join(f"{{{tex(name)}}}" for name in cited.owners),
        "title": f"{{{tex(cited.title)}}}",
        "year": str(cited.issued.year),
        "publisher": PUBLISHER,
        "version": None if cited.release is None else f"release {cited.release}",
        "doi": cited.doi,
        "url": cited.address,
        "note": tex(f"Licence: {cited.licence}{'. Withdrawn' if cited.withdrawn else ''}"),
    }
    body = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items() if value)
    return f"@misc{{{cited.slug},\n{body}\n}}\n"


def tex(words: str) -> str:
    """Text as BibTeX takes it, with what it would read as commands escaped."""
    return "".join(SPECIAL.get(letter, letter) for letter in words)


def csl(cited: Cited) -> list[dict[str, Any]]:
    """CSL-JSON, for Zotero, Mendeley and Pandoc."""
    found = {
        "id": cited.slug,
        "type": "dataset",
        "title": cited.title,
        "author": [{"literal": name} for name in cited.owners],
        "issued": {"date-parts": [[cited.issued.year, cited.issued.month, cited.issued.day]]},
        "publisher": PUBLISHER,
        "version": None if cited.release is None else str(cited.release),
        "DOI": cited.doi,
        "URL": cited.address,
        "note": f"Licence: {cited.licence}",
    }
    return [{name: value for name, value in found.items() if value is not None}]


def datacite(cited: Cited) -> dict[str, Any]:
    """Metadata in the JSON of DataCite's schema 4."""
    rights = {"rights": cited.licence, "rightsUri": cited.licence_url}
    found = {
        "doi": cited.doi,
        "creators": [{"name": name} for name in cited.owners],
        "titles": [{"title": cited.title}],
        "publisher": {"name": PUBLISHER},
        "publicationYear": cited.issued.year,
        "types": {"resourceTypeGeneral": "Dataset", "resourceType": "Soil observations"},
        "dates": [{"date": cited.issued.isoformat(), "dateType": "Issued"}],
        "version": None if cited.release is None else str(cited.release),
        "rightsList": [{name: value for name, value in rights.items() if value}],
        "descriptions": [{"description": cited.description, "descriptionType": "Abstract"}]
        if cited.description
        else None,
        "url": cited.address,
        "schemaVersion": "http://datacite.org/schema/kernel-4",
    }
    return {name: value for name, value in found.items() if value is not None}
