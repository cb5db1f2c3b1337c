"""Terms of a dataset: which contradict each other, and whether a change shows more or less to everybody.

docs/terms.md says in plain words what each class and precision means.
"""

import datetime as dt
from dataclasses import dataclass

from app.errors import InputRefused
from app.ingest.mapping import LICENCE_CLASSES

PRECISE = frozenset({"exact", "100m"})
"""Precisions that lead to somebody's field: whoever owns the land must have agreed."""
COARSENESS = ("exact", "100m", "1km", "10km", "region")
CLOSEDNESS = ("open", "attribution", "non_commercial", "display_generalised_only", "aggregate_only")
OPEN_CLASSES = frozenset({"open", "attribution", "non_commercial"})
"""Licence classes under which every value is public anyway, so that a figure can betray nobody."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What decides how much of a dataset everybody may see."""

    licence: str
    licence_class: str
    location_precision: str
    embargo_until: dt.date | None = None
    consent: str | None = None

    @property
    def shows_records(self) -> bool:
        """Whether single sites and values are shown at all."""
        return self.licence_class != "aggregate_only"


def require_consistent(terms: Terms, name: str) -> None:
    """InputRefused (TERMS_CONTRADICT) where two of the terms cannot both hold. name : of the dataset, for the message."""
    if terms.licence_class == "display_generalised_only" and terms.location_precision == "exact":
        raise InputRefused(
            f"The licence of {name!r} allows generalised positions only, and its location precision is exact.",
            code="TERMS_CONTRADICT",
            column="location_precision",
            suggestion="Set location_precision to 100m, 1km, 10km or region.",
        )
    known = LICENCE_CLASSES.get(terms.licence)
    if known is not None and known != terms.licence_class:
        raise InputRefused(
            f"The licence {terms.licence} is of the class {known}, and the dataset {name!r} says {terms.licence_class}.",
            code="TERMS_CONTRADICT",
            column="licence_class",
            suggestion="Leave licence_class out, or name the licence that you give in your own words.",
        )


def require_consent(terms: Terms, name: str) -> None:
    """InputRefused (CONSENT_MISSING) where positions would lead to somebody's field and nobody says that they agreed."""
    if terms.shows_records and terms.location_precision in PRECISE and not terms.consent:
        raise InputRefused(
            f"Positions of {name!r} would be published to {terms.location_precision}, and nothing says that those "
            "whose land it is have agreed.",
            code="CONSENT_MISSING",
            column="consent",
            suggestion="Say in consent who agreed and how, or that the land is public; or choose 1km, 10km or region.",
        )


def class_of(licence: str, given: str | None) -> str:
    """The licence class that was given, or that of a known licence. InputRefused (LICENCE_CLASS_MISSING) otherwise."""
    found = given or LICENCE_CLASSES.get(licence)
    if found is None:
        raise InputRefused(
            f"The licence {licence!r} is none that is known here, so its class must be given.",
            code="LICENCE_CLASS_MISSING",
            column="licence_class",
            suggestion=f"One of: {', '.join(CLOSEDNESS)}.",
        )
    return found


def shows_more(before: Terms, after: Terms) -> bool:
    """Whether everybody could see or do something under the new terms that they could not under the old ones."""
    old, new = _hidden(before), _hidden(after)
    return new[0] < old[0] or new[1] < old[1] or new[2] < old[2]


def shows_less(before: Terms, after: Terms) -> bool:
    """Whether something that everybody could see or do ends with the new terms."""
    return shows_more(after, before)


def _hidden(terms: Terms) -> tuple[int, int, dt.date]:
    """How much is kept back, in each of the ways in which it can be."""
    return (
        CLOSEDNESS.index(terms.licence_class),
        COARSENESS.index(terms.location_precision) if terms.shows_records else len(COARSENESS),
        terms.embargo_until or dt.date.min,
    )
