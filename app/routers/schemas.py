"""The shapes of JSON answers, for OpenAPI and for types. Features are described by their collections instead."""

from typing import Any

from typing_extensions import TypedDict


class Unit(TypedDict):
    """A unit as people write it and as UCUM codes it."""

    label: str
    ucum: str


class Depth(TypedDict):
    """A depth interval [cm], zero at the mineral surface."""

    upper: int
    lower: int


class DepthWithUnit(Depth):
    """A depth interval that names its unit."""

    unit: str


class Period(TypedDict):
    """A span of sampling years, both ends included; all years where start and end are null."""

    id: str
    label: str
    start: str | None
    end: str | None


class Ramp(TypedDict):
    """Classes of a map legend: one more colour than breaks."""

    colors: list[str]
    breaks: list[float]


class IndicatorRecord(TypedDict):
    """What an indicator is."""

    id: str
    title: str
    titles: dict[str, str]
    description: str
    unit: Unit
    depths: list[Depth]
    ramp: Ramp
    method: str
    references: list[str]


class Catalogue(TypedDict):
    """All indicators, and the periods for which estimates exist."""

    release: int
    indicators: list[IndicatorRecord]
    periods: list[Period]


class Interval(TypedDict):
    """An interval of the mean, and what it means."""

    lower: float
    upper: float
    level: float
    df: float
    method: str
    meaning: str


class Named(TypedDict):
    """A code with its title."""

    id: str
    title: str


class Note(TypedDict):
    """Something a reader should know about a figure."""

    code: str
    sentence: str


class Refusal(TypedDict):
    """Why there is no figure."""

    code: str
    reason: str


class Estimate(TypedDict):
    """One figure of a region, or an honest refusal."""

    indicator: str
    title: str
    unit: Unit
    depth: DepthWithUnit
    period: Period
    value: float | None
    sd: float | None
    se: float | None
    median: float | None
    q1: float | None
    q3: float | None
    interval: Interval | None
    representative: bool
    indicative: bool
    n_sites: int
    n_units: int
    n_owners: int
    estimator: Named
    notes: list[Note]
    basis: str
    coverage: dict[str, Any]
    quality: dict[str, Any]
    refused: Refusal | None
    synthetic: str
    release: int
    method_version: str
    datasets: list[dict[str, Any]]


class Region(TypedDict):
    """A region's names and size."""

    id: str
    name: str
    names: dict[str, str | None]
    kind: str
    initiative_region: str | None
    area_km2: float


class RegionIndicators(TypedDict):
    """All figures of a region."""

    region: Region
    release: int
    estimates: list[Estimate]
    links: list[dict[str, Any]]


class IndicatorName(TypedDict):
    """The indicator an answer is about."""

    id: str
    title: str
    titles: dict[str, str]
    unit: Unit


class Series(TypedDict):
    """Figures of a region, period by period."""

    region: Region
    indicator: IndicatorName
    depth: DepthWithUnit
    release: int
    series: list[Estimate]
    all_years: Estimate | None
    notes: list[Note]
    links: list[dict[str, Any]]


class Standing(TypedDict):
    """Ranks that are possible for a region given the intervals, counted from 1."""

    best: int
    worst: int


class RankedRegion(TypedDict):
    """A region in a ranking; one that is only listed has no rank."""

    region: Region
    rank: Standing | None
    estimate: Estimate


class Band(TypedDict):
    """Regions that cannot be told apart: their intervals overlap, directly or through others."""

    band: int
    lower: float
    upper: float
    regions: list[RankedRegion]


class Rankings(TypedDict):
    """Regions of a kind by value, the highest first."""

    indicator: IndicatorName
    depth: DepthWithUnit
    period: Period
    kind: str
    synthetic: str
    release: int
    bands: list[Band]
    described: list[RankedRegion]
    refused: list[RankedRegion]
    left_out: dict[str, int]
    notes: list[Note]
    links: list[dict[str, Any]]


class Test(TypedDict):
    """The test of a difference."""

    method: str
    t: float
    df: float
    p: float
    p_adjusted: float
    adjustment: str


# `with` is a word of Python.
Comparison = TypedDict(
    "Comparison",
    {
        "with": str,
        "difference": float | None,
        "se": float | None,
        "interval": Interval | None,
        "test": Test | None,
        "verdict": str | None,
        "refused": Refusal | None,
    },
)
"""How a region differs from one other: the region less the other."""

Comparisons = TypedDict(
    "Comparisons",
    {
        "region": Region,
        "with": list[Region],
        "indicator": IndicatorName,
        "depth": DepthWithUnit,
        "period": Period,
        "release": int,
        "estimates": dict[str, Estimate],
        "comparisons": list[Comparison],
        "links": list[dict[str, Any]],
    },
)
"""How a region differs from others."""


class MethodOf(TypedDict):
    """How a figure is computed."""

    version: str
    of_profiles: dict[str, Any]
    of_regions: dict[str, str]
    description: str
    references: list[str]


class Threshold(TypedDict):
    """A least number of what is counted, and whether the figure reaches it."""

    id: str
    counted: str
    least: int
    meaning: str
    met: bool


class VersionOf(TypedDict):
    """One state of a figure."""

    from_release: int
    until_release: int | None
    value: float | None
    n_sites: int
    refused: str | None
    method_version: str


class Explanation(TypedDict):
    """Where a figure comes from."""

    region: Region
    release: int
    estimate: Estimate
    method: MethodOf
    counts: dict[str, Any]
    thresholds: list[Threshold]
    owners: dict[str, Any]
    versions: list[VersionOf]
    links: list[dict[str, Any]]


class RowCounts(TypedDict):
    """Where the rows of a file went: read = stored + refused + ignored."""

    read: int
    stored: int
    refused: int
    ignored: int


class UploadDocument(TypedDict):
    """A file that came in, and how far it is."""

    id: str
    dataset: str | None
    filename: str
    size_bytes: int
    sha256: str
    mapping: str | None
    mode: str
    strict: bool
    state: str
    step: str | None
    progress: float | None
    fault: str | None
    rows: RowCounts | None
    rules_version: str | None
    proposal: dict[str, Any] | None
    decision: str | None
    release: int | None
    created_at: str
    changed_at: str
    finished_at: str | None
    links: list[dict[str, Any]]


class ChosenMapping(TypedDict):
    """How an upload is read."""

    name: str
    title: str
    body: dict[str, Any]


class UploadList(TypedDict):
    """Uploads of a dataset."""

    uploads: list[UploadDocument]
    links: list[dict[str, Any]]


class FileReport(TypedDict):
    """What was found in a file: issues with their place, and ledgers in which every row and value is accounted for."""

    rules_version: str
    rows: RowCounts
    severities: dict[str, int]
    counts: list[dict[str, Any]]
    tables: list[dict[str, Any]]
    values: list[dict[str, Any]]
    issues: list[dict[str, Any]]


class UploadReport(FileReport):
    """The report of an upload, with a page of its issues."""

    issues_matched: int
    upload: str
    state: str
    fault: str | None
    links: list[dict[str, Any]]


class Validation(TypedDict):
    """The report on a file of which nothing was kept."""

    filename: str
    acceptable: bool
    fault: str | None
    located: bool
    mapping: str | None
    proposal: dict[str, Any] | None
    report: FileReport
