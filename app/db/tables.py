"""The schema: every table with its units and definitions, and the states it forbids.

`core` holds the truth: exact positions and everything unpublished. `pub` is what the public role may read: released
rows only, positions generalised to each dataset's precision, disclosure-controlled estimates. Rows of `pub` carry the
releases in which they are valid: from `released_from` up to, not including, `released_to` (empty: still valid).

Words are those of ISO 28258 and GloSIS. Ids are random and public; contributors' own ids stand beside them and are
scoped to the dataset. Migrations are written by hand and compared with this module by a test.
"""

from typing import Any, Literal, get_args

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    }
)

LICENCE_CLASSES = ("open", "attribution", "non_commercial", "aggregate_only", "display_generalised_only")
LOCATION_PRECISIONS = ("exact", "100m", "1km", "10km", "region")
SAMPLING_DESIGNS = ("srs", "stratified", "grid", "purposive", "legacy")
COLLEGES = (
    "governments",
    "international_organisations",
    "ngos",
    "producer_organisations",
    "research_education",
    "funding_bodies",
    "companies",
)
INITIATIVE_REGIONS = ("Africa", "Asia and Pacific", "Europe", "Latin America and Caribbean", "North America")
REGION_KINDS = ("world", "initiative", "country", "first_level", "network", "twin", "custom", "cell")
RESULT_STATUS = ("measured", "estimated", "assumed", "unknown")
TIERS = ("A", "B", "C")


def one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    """The column holds one of these words."""
    return CheckConstraint(f"{column} IN ({', '.join(repr(v) for v in values)})", name=f"{column}_known")


def rule(name: str, condition: str) -> CheckConstraint:
    """A state that must hold in every row."""
    return CheckConstraint(condition, name=name)


def public_id() -> Column[object]:
    """Random id that may be shown in URLs."""
    return Column(
        "id", Uuid, primary_key=True, server_default=text("gen_random_uuid()"), comment="Random public identifier."
    )


def required(name: str, kind: Any, comment: str, **more: object) -> Column[object]:
    """A column that is never empty."""
    return Column(name, kind, nullable=False, comment=comment, **more)  # type: ignore[arg-type]


def optional(name: str, kind: Any, comment: str, **more: object) -> Column[object]:
    """A column that may be empty, which means unknown or not applicable, never zero."""
    return Column(name, kind, nullable=True, comment=comment, **more)  # type: ignore[arg-type]


def link(name: str, target: str, comment: str, *, empty: bool = False, cascade: bool = False) -> Column[object]:
    """A reference to another table's row."""
    key = ForeignKey(target, ondelete="CASCADE" if cascade else None)
    return Column(name, key, nullable=empty, comment=comment)


def bulk_link(name: str, target: str, comment: str, kind: Any = Uuid, **more: object) -> Column[object]:
    """A reference of a table that takes millions of rows at once: triggers check it once a statement, not once a row.

    migrations/ attaches them to each column declared so; docs/adr/0023 says why.
    """
    return Column(name, kind, nullable=False, comment=comment, info={"target": target}, **more)  # type: ignore[arg-type]


def point(name: str, comment: str, *, empty: bool = False) -> Column[object]:
    """A position in WGS 84 longitude and latitude."""
    return Column(name, Geometry("POINT", 4326, spatial_index=False), nullable=empty, comment=comment)


def areas(name: str, comment: str, *, empty: bool = False) -> Column[object]:
    """A multi-part area in WGS 84."""
    return Column(name, Geometry("MULTIPOLYGON", 4326, spatial_index=False), nullable=empty, comment=comment)


def flag(name: str, comment: str) -> Column[object]:
    """Yes or no, no unless said."""
    return Column(name, Boolean, nullable=False, server_default=text("false"), comment=comment)


def words(name: str, comment: str) -> Column[object]:
    """A list of codes, empty unless said."""
    return Column(name, ARRAY(Text), nullable=False, server_default=text("'{}'"), comment=comment)


def moment(name: str, comment: str) -> Column[object]:
    """When the row was made."""
    return Column(name, DateTime(timezone=True), nullable=False, server_default=func.now(), comment=comment)


def provenance() -> tuple[Column[object], ...]:
    """Where in an uploaded file a row came from."""
    return (
        optional("source_sheet", Text, "Sheet of the workbook."),
        required("source_file", Text, "File it was read from."),
        required("source_row", Integer, "Row as a spreadsheet shows it."),
    )


# --- Organisations and networks -------------------------------------------------------------------------------------

organisation = Table(
    "organisation",
    metadata,
    public_id(),
    required("name", Text, "Name as the Initiative or the organisation writes it.", unique=True),
    optional("name_fr", Text, "Name in French."),
    optional("name_es", Text, "Name in Spanish."),
    required("college", Text, "Stakeholder college of the 4 per 1000 Initiative."),
    optional("group_name", Text, "Group within the college."),
    flag("is_funder", "Funding body; funders belong to another college as well."),
    optional("country_code", Text, "ISO 3166-1 alpha-3 code of the seat."),
    optional("initiative_region", Text, "World region as the Initiative counts it."),
    optional("place", Text, "Town of the seat."),
    point("geom", "Position in WGS 84, as precise as position_precision says.", empty=True),
    optional("position_precision", Text, "What the position is the middle of: address, city or country."),
    optional("website", Text, "Home page."),
    optional("ror", Text, "Identifier in the Research Organization Registry."),
    required("source", Text, "Where these facts were taken from."),
    one_of("college", COLLEGES),
    one_of("initiative_region", INITIATIVE_REGIONS),
    one_of("position_precision", ("address", "city", "country")),
    rule("position_has_precision", "(geom IS NULL) = (position_precision IS NULL)"),
    rule("country_is_alpha_3", "country_code ~ '^[A-Z]{3}$'"),
    schema="core",
    comment="Partner organisations of the 4 per 1000 Initiative, and owners of data.",
)

membership = Table(
    "membership",
    metadata,
    public_id(),
    link("organisation_id", "core.organisation.id", "The partner.", cascade=True),
    required("tier", Text, "forum: partner without vote; consortium: non-profit member with a vote."),
    optional("starts_on", Date, "First day, where known."),
    optional("ends_on", Date, "Last day; empty while it lasts."),
    one_of("tier", ("forum", "consortium")),
    rule("ends_after_start", "ends_on >= starts_on"),
    UniqueConstraint("organisation_id", "tier", "starts_on", postgresql_nulls_not_distinct=True),
    schema="core",
    comment="When an organisation belonged to the Forum of Partners or the Consortium of Members.",
)

agreement = Table(
    "agreement",
    metadata,
    public_id(),
    link("organisation_id", "core.organisation.id", "The partner that agreed.", cascade=True),
    required("kind", Text, "Kind of agreement, in the words of the source."),
    optional("starts_on", Date, "First day, as precise as starts_on_precision says."),
    optional("starts_on_precision", Text, "day, month or year."),
    optional("ends_on", Date, "Last day."),
    optional("note", Text, "What the source adds, such as renewals."),
    one_of("starts_on_precision", ("day", "month", "year")),
    rule("start_has_precision", "(starts_on IS NULL) = (starts_on_precision IS NULL)"),
    rule("ends_after_start", "ends_on >= starts_on"),
    schema="core",
    comment="Dated agreements between the Initiative and a partner.",
)

network = Table(
    "network",
    metadata,
    public_id(),
    required("code", Text, "Short stable name used in URLs.", unique=True),
    required("name_en", Text, "Name in English."),
    optional("name_fr", Text, "Name in French."),
    optional("name_es", Text, "Name in Spanish."),
    link("coordinator_id", "core.organisation.id", "Organisation that coordinates.", empty=True),
    link("region_id", "core.region.id", "Area that the network covers.", empty=True),
    words("languages", "Working languages, ISO 639-1."),
    schema="core",
    comment="Regional networks (strategic objective D2): countries and organisations that work together.",
)

network_member = Table(
    "network_member",
    metadata,
    link("network_id", "core.network.id", "The network.", cascade=True),
    link("organisation_id", "core.organisation.id", "The member.", cascade=True),
    optional("starts_on", Date, "First day, where known."),
    optional("ends_on", Date, "Last day; empty while it lasts."),
    rule("ends_after_start", "ends_on >= starts_on"),
    UniqueConstraint("network_id", "organisation_id", "starts_on", postgresql_nulls_not_distinct=True),
    schema="core",
    comment="Who belongs to a network, and when.",
)

# --- Regions --------------------------------------------------------------------------------------------------------

region = Table(
    "region",
    metadata,
    Column("id", Text, primary_key=True, comment="Stable public identifier: kind and code, such as country-BRA."),
    required("kind", Text, "What the region is."),
    required("code", Text, "Code within the kind: ISO 3166-1 alpha-3, ISO 3166-2, or our own."),
    optional("iso_a2", Text, "ISO 3166-1 alpha-2 code of a country."),
    required("name_en", Text, "Name in English."),
    optional("name_fr", Text, "Name in French."),
    optional("name_es", Text, "Name in Spanish."),
    link("parent_id", "core.region.id", "Region that contains this one in the hierarchy of areas.", empty=True),
    link("territory_of", "core.region.id", "Country that a territory with a code of its own belongs to.", empty=True),
    optional("initiative_region", Text, "World region as the Initiative counts it."),
    areas("geom", "Boundary, cut at the antimeridian."),
    point("label_point", "Where a map writes the name.", empty=True),
    required("area_km2", Double, "Geodesic area of the boundary on WGS 84 [km²]."),
    optional("land_km2", Double, "Area of land [km²]."),
    optional("sealed_km2", Double, "Area of sealed surfaces [km²]."),
    optional("water_km2", Double, "Area of inland water [km²]."),
    optional("covered_km2", Double, "Area that estimates of the region speak for [km²]."),
    required("cell_count", Integer, "H3 cells of resolution 5 whose centre lies inside."),
    required("source", Text, "Where the boundary comes from."),
    required("licence", Text, "Licence of the boundary."),
    one_of("kind", REGION_KINDS),
    one_of("initiative_region", INITIATIVE_REGIONS),
    rule("id_is_url_safe", "id ~ '^[A-Za-z0-9._-]+$'"),
    rule("boundary_is_valid", "ST_IsValid(geom)"),
    rule("area_is_positive", "area_km2 > 0"),
    rule("parts_fit_area", "coalesce(sealed_km2, 0) + coalesce(water_km2, 0) <= area_km2 * 1.001"),
    rule("not_its_own_parent", "parent_id <> id"),
    UniqueConstraint("kind", "code"),
    Index(None, "geom", postgresql_using="gist"),
    schema="core",
    comment="Areas that are reported on, from the world to a drawn polygon.",
)

region_part = Table(
    "region_part",
    metadata,
    Column("part", BigInteger, Identity(always=True), primary_key=True, comment="Number of the piece."),
    link("region_id", "core.region.id", "The region that this is a piece of.", cascade=True),
    Column(
        "geom", Geometry("POLYGON", 4326, spatial_index=False), nullable=False, comment="Piece of at most 128 vertices."
    ),
    Index(None, "region_id"),
    Index(None, "geom", postgresql_using="gist"),
    schema="core",
    comment="Boundaries cut into small pieces, so that finding the region of a point is an index look-up.",
)

twin_pair = Table(
    "twin_pair",
    metadata,
    public_id(),
    link("first_id", "core.region.id", "One region."),
    link("second_id", "core.region.id", "The region it compares itself with."),
    optional("starts_on", Date, "First day, where known."),
    optional("ends_on", Date, "Last day; empty while it lasts."),
    rule("ordered", "first_id < second_id"),
    UniqueConstraint("first_id", "second_id"),
    schema="core",
    comment="Twin regions (strategic objective F1): two regions that compare and share what they learn.",
)

# --- Vocabularies ---------------------------------------------------------------------------------------------------

observed_property = Table(
    "observed_property",
    metadata,
    Column("code", Text, primary_key=True, comment="Code used everywhere in the service."),
    required("title", Text, "Name in English."),
    required("unit", Text, "Canonical unit as people write it."),
    required("ucum", Text, "Canonical unit as a UCUM code."),
    required("definition", Text, "What is measured, of what."),
    optional("glosis", Text, "GloSIS identifier."),
    required("possible_min", Double, "Smallest possible value, in the canonical unit."),
    required("possible_max", Double, "Largest possible value, in the canonical unit."),
    rule("range_is_ordered", "possible_min < possible_max"),
    schema="pub",
    comment="Observed properties, one canonical unit each; written from the dictionary in app/soil/properties.py.",
)

practice = Table(
    "practice",
    metadata,
    Column("code", Text, primary_key=True, comment="Short stable name."),
    required("title_en", Text, "Name in English."),
    optional("title_fr", Text, "Name in French."),
    optional("title_es", Text, "Name in Spanish."),
    schema="pub",
    comment="Land management practices that the Initiative names.",
)

objective = Table(
    "objective",
    metadata,
    Column("code", Text, primary_key=True, comment="Code of the strategic plan, such as E2."),
    required("title", Text, "Title in the strategic plan."),
    required("facility", Text, "Code of the facility that carries it."),
    required("facility_title", Text, "Title of that facility."),
    required("facility_type", Text, "core or global facility."),
    one_of("facility_type", ("core", "global")),
    schema="pub",
    comment="Strategic objectives of the Initiative.",
)

# --- Accounts -------------------------------------------------------------------------------------------------------

account = Table(
    "account",
    metadata,
    public_id(),
    required("name", Text, "Name shown to others."),
    optional("email", Text, "Address for messages about own data.", unique=True),
    optional("orcid", Text, "ORCID iD."),
    optional("issuer", Text, "OpenID Connect issuer that vouches for the person."),
    optional("subject", Text, "The person's identifier at that issuer."),
    link("organisation_id", "core.organisation.id", "Organisation that the person works for.", empty=True),
    moment("created_at", "When the account was made."),
    optional("closed_at", DateTime(timezone=True), "When it was closed; its history stays."),
    rule("issuer_with_subject", "(issuer IS NULL) = (subject IS NULL)"),
    rule("orcid_form", r"orcid ~ '^\d{4}-\d{4}-\d{4}-\d{3}[\dX]$'"),
    UniqueConstraint("issuer", "subject"),
    schema="core",
    comment="People and programs that contribute or review.",
)

api_key = Table(
    "api_key",
    metadata,
    public_id(),
    link("account_id", "core.account.id", "Whose key it is.", cascade=True),
    required("name", Text, "What its owner calls it."),
    required("prefix", Text, "First characters of the key, by which its owner tells keys apart."),
    required("hash", LargeBinary, "SHA-256 of the key; the key itself is never stored.", unique=True),
    words("scopes", "What the key may be used for; empty: nothing."),
    moment("created_at", "When it was made."),
    required("expires_at", DateTime(timezone=True), "When it ends by itself."),
    optional("revoked_at", DateTime(timezone=True), "When it was withdrawn."),
    optional("last_used_at", DateTime(timezone=True), "When it was last used, to the hour."),
    rule("hash_is_sha256", "length(hash) = 32"),
    rule("expires_after_creation", "expires_at > created_at"),
    Index(None, "account_id"),
    schema="core",
    comment="Keys for programs.",
)

grant = Table(
    "grant",
    metadata,
    public_id(),
    link("account_id", "core.account.id", "Who may.", cascade=True),
    required("role", Text, "reader, contributor, reviewer, coordinator (of a network) or administrator."),
    link("dataset_id", "core.dataset.id", "The dataset it is about; empty: not bound to one.", empty=True),
    link("network_id", "core.network.id", "The network it is about; empty: not bound to one.", empty=True),
    moment("created_at", "Since when."),
    link("granted_by", "core.account.id", "Who gave it; empty: an operator at the command line.", empty=True),
    one_of("role", ("reader", "contributor", "reviewer", "coordinator", "administrator")),
    rule("one_scope", "dataset_id IS NULL OR network_id IS NULL"),
    rule("administrator_everywhere", "role <> 'administrator' OR (dataset_id IS NULL AND network_id IS NULL)"),
    rule("coordinator_of_network", "role <> 'coordinator' OR network_id IS NOT NULL"),
    UniqueConstraint("account_id", "role", "dataset_id", "network_id", postgresql_nulls_not_distinct=True),
    schema="core",
    comment="Who may do what, where.",
)

audit = Table(
    "audit",
    metadata,
    Column("entry", BigInteger, Identity(always=True), primary_key=True, comment="Running number."),
    moment("at", "When it happened."),
    link("account_id", "core.account.id", "Who did it; empty: an operator at the command line.", empty=True),
    required("action", Text, "What was done, as verb and noun."),
    required("target", Text, "Kind and id of what it was done to."),
    optional("request_id", Text, "Id of the request that asked for it; the log lines carry the same."),
    Column(
        "detail",
        JSONB,
        nullable=False,
        server_default=text("'{}'"),
        comment="Particulars; never a value or a position.",
    ),
    Index(None, "account_id", "entry"),
    Index(None, "action", "entry"),
    Index(None, "target", "entry"),
    schema="core",
    comment="Append-only log of who did what, reads of exact positions included.",
)

# --- Datasets and uploads -------------------------------------------------------------------------------------------

dataset = Table(
    "dataset",
    metadata,
    public_id(),
    required("slug", Text, "Short stable name used in URLs.", unique=True),
    required("title", Text, "Title to cite."),
    optional("description", Text, "What it holds and how it was made."),
    required("licence", Text, "SPDX identifier or name of the licence."),
    optional("licence_url", Text, "Where the licence can be read."),
    required("licence_class", Text, "What the licence lets us publish."),
    optional("citation", Text, "How to cite it, as its owners ask."),
    optional("doi", Text, "Digital object identifier, without https://doi.org/."),
    optional("source_url", Text, "Where it was published before."),
    optional("embargo_until", Date, "Not published before this day."),
    required("location_precision", Text, "How precisely positions may be published."),
    flag("synthetic", "Made by a generator, not measured; said wherever it is used."),
    required("surface_convention", Text, "Where depth zero is: mineral surface, or top of the organic layer."),
    required(
        "bulk_density_basis", Text, "What bulk density means where a row does not say: fine_earth, whole, … or unknown."
    ),
    required("coarse_fragments_basis", Text, "What a share of coarse fragments means where a row does not say."),
    required("sampling_design", Text, "How sites were chosen: decides what may be inferred for a region."),
    optional("consent", Text, "Consent of land owners for the published precision."),
    required("state", Text, "draft -> published -> withdrawn; a withdrawn dataset may be published again."),
    optional("withdrawn_because", Text, "Why it was withdrawn, in words for everybody."),
    link("created_by", "core.account.id", "Who registered it; empty: an operator at the command line.", empty=True),
    moment("created_at", "When the dataset was registered."),
    one_of("licence_class", LICENCE_CLASSES),
    one_of("location_precision", LOCATION_PRECISIONS),
    one_of("surface_convention", ("mineral", "organic_top")),
    one_of("bulk_density_basis", ("fine_earth", "whole", "fine_per_total", "unknown")),
    one_of("coarse_fragments_basis", ("volume", "mass", "unknown")),
    one_of("sampling_design", SAMPLING_DESIGNS),
    one_of("state", ("draft", "published", "withdrawn")),
    rule("slug_is_url_safe", "slug ~ '^[a-z0-9][a-z0-9-]*$'"),
    rule("doi_is_bare", "doi ~ '^10[.]'"),
    rule(
        "generalised_licence_has_cells", "licence_class <> 'display_generalised_only' OR location_precision <> 'exact'"
    ),
    schema="core",
    comment="Sets of observations with one owner's terms.",
)

dataset_owner = Table(
    "dataset_owner",
    metadata,
    link("dataset_id", "core.dataset.id", "The dataset.", cascade=True),
    required("name", Text, "Owner as named in the citation."),
    link("organisation_id", "core.organisation.id", "The owner's record here.", empty=True),
    link("account_id", "core.account.id", "The owner's account here.", empty=True),
    UniqueConstraint("dataset_id", "name"),
    schema="core",
    comment="Who owns a dataset; disclosure control counts owners.",
)

dataset_objective = Table(
    "dataset_objective",
    metadata,
    link("dataset_id", "core.dataset.id", "The dataset.", cascade=True),
    link("objective_code", "pub.objective.code", "The objective it serves."),
    UniqueConstraint("dataset_id", "objective_code"),
    schema="core",
    comment="Strategic objectives that a dataset serves.",
)

dataset_network = Table(
    "dataset_network",
    metadata,
    link("dataset_id", "core.dataset.id", "The dataset.", cascade=True),
    link("network_id", "core.network.id", "The network that reviews it.", cascade=True),
    UniqueConstraint("dataset_id", "network_id"),
    schema="core",
    comment="Networks that a dataset belongs to.",
)

network_practice = Table(
    "network_practice",
    metadata,
    link("network_id", "core.network.id", "The network.", cascade=True),
    link("practice_code", "pub.practice.code", "A practice it works on."),
    UniqueConstraint("network_id", "practice_code"),
    schema="core",
    comment="Practices that a network works on.",
)

mapping = Table(
    "mapping",
    metadata,
    public_id(),
    required("name", Text, "Short stable name."),
    required("version", Integer, "Running number of the version; a saved one never changes.", server_default="1"),
    required("title", Text, "What it reads, in a few words."),
    required("body", JSONB, "How columns, units, depths and positions of a source are read."),
    flag("shared", "Whether other accounts may use it."),
    link("account_id", "core.account.id", "Who saved it; empty: an operator at the command line.", empty=True),
    moment("created_at", "When it was saved."),
    rule("name_is_url_safe", "name ~ '^[a-z0-9][a-z0-9-]*$'"),
    rule("version_is_positive", "version > 0"),
    UniqueConstraint("name", "version"),
    schema="core",
    comment="Saved descriptions of how to read a source's files.",
)

UploadState = Literal[
    "received",
    "checking",
    "checked",
    "accepted",
    "in_review",
    "storing",
    "stored",
    "refused",
    "rejected",
    "cancelled",
    "failed",
    "superseded",
    "withdrawn",
]
UPLOAD_STATES: tuple[UploadState, ...] = get_args(UploadState)

upload = Table(
    "upload",
    metadata,
    public_id(),
    link("dataset_id", "core.dataset.id", "The dataset that the file belongs to.", empty=True),
    required("filename", Text, "Name as given, without folders."),
    required("size_bytes", BigInteger, "Size of the file [byte]."),
    required("sha256", LargeBinary, "SHA-256 of the bytes; the file is kept under it."),
    optional("mapping", Text, "Name of the mapping it was read with; empty: none was chosen yet."),
    Column("mapping_body", JSONB, nullable=True, comment="The mapping itself as it was confirmed; empty: as packaged."),
    Column("proposal", JSONB, nullable=True, comment="What we understood of the columns, and how sure we are of each."),
    flag("replaces", "Whether it may take the place of what the dataset holds."),
    flag("strict", "Whether a single refused row refuses the whole file."),
    optional("rules_version", Text, "Version of the checks that were applied; empty: not checked yet."),
    required(
        "state",
        Text,
        "received -> checking -> checked -> accepted [-> in_review] -> storing -> stored -> superseded | withdrawn; "
        "refused by the rules, rejected by a reviewer, cancelled by its owner, failed by a fault of ours.",
    ),
    optional("step", Text, "What is being done, in a few words."),
    optional("progress", Double, "Share of the work that is done."),
    optional("fault", Text, "Why it was refused as a whole, rejected or failed, in words for its owner."),
    Column("report", JSONB, nullable=True, comment="Issues and ledger: every row read is stored, refused or ignored."),
    optional("rows_read", Integer, "Rows found in all tables of the upload."),
    optional("rows_stored", Integer, "Rows stored."),
    optional("rows_refused", Integer, "Rows refused, each with a rule code in the report."),
    optional("rows_ignored", Integer, "Rows left out without fault: repeated, or without any value."),
    link("account_id", "core.account.id", "Who sent it; empty: an operator at the command line.", empty=True),
    link("decided_by", "core.account.id", "Who accepted or rejected it in review.", empty=True),
    optional("decision", Text, "What the reviewer wrote."),
    link("release", "pub.release.number", "Release in which it was published.", empty=True),
    moment("created_at", "When it arrived."),
    moment("changed_at", "When its state or progress last changed."),
    optional("finished_at", DateTime(timezone=True), "When its processing ended."),
    one_of("state", UPLOAD_STATES),
    rule("hash_is_sha256", "length(sha256) = 32"),
    rule("progress_is_a_share", "progress BETWEEN 0 AND 1"),
    rule("ledger_closes", "rows_read = rows_stored + rows_refused + rows_ignored"),
    rule("ledger_is_whole", "num_nulls(rows_read, rows_stored, rows_refused, rows_ignored) IN (0, 4)"),
    rule(
        "checked_has_report",
        "report IS NOT NULL OR state NOT IN ('checked', 'accepted', 'in_review', 'storing', 'stored')",
    ),
    Index(None, "dataset_id"),
    Index(None, "account_id"),
    schema="core",
    comment="Files that came in, and what became of each row.",
)

idempotency_key = Table(
    "idempotency_key",
    metadata,
    link("account_id", "core.account.id", "Who sent it.", cascade=True),
    required("key", Text, "Idempotency-Key of the request."),
    required("request_sha256", LargeBinary, "SHA-256 of what was asked: the same key may not ask for something else."),
    link("upload_id", "core.upload.id", "The upload that the first request made.", cascade=True),
    moment("created_at", "When it was first sent."),
    rule("hash_is_sha256", "length(request_sha256) = 32"),
    UniqueConstraint("account_id", "key"),
    schema="core",
    comment="Requests that may be repeated without being done twice.",
)

export = Table(
    "export",
    metadata,
    public_id(),
    link("dataset_id", "core.dataset.id", "The dataset.", cascade=True),
    link("account_id", "core.account.id", "Who asked; empty: an operator at the command line.", empty=True),
    required("kind", Text, "Format: glosis, csv."),
    required("positions", Text, "exact: for owners and reviewers; published: as everybody sees them."),
    required("state", Text, "waiting -> ready | failed."),
    optional("path", Text, "File below the data folder."),
    optional("fault", Text, "Why it failed, in words for whoever asked."),
    moment("created_at", "When it was asked for."),
    optional("finished_at", DateTime(timezone=True), "When it was made."),
    one_of("positions", ("exact", "published")),
    one_of("state", ("waiting", "ready", "failed")),
    Index(None, "dataset_id"),
    schema="core",
    comment="Files made from stored datasets on request.",
)

# --- Soil observations ----------------------------------------------------------------------------------------------

site = Table(
    "site",
    metadata,
    public_id(),
    bulk_link("dataset_id", "core.dataset", "The dataset."),
    bulk_link("upload_id", "core.upload", "The upload that brought it."),
    required("own_id", Text, "The contributor's id, unique in the dataset and stable across campaigns."),
    optional("name", Text, "The contributor's name for it."),
    optional("cluster", Text, "Sites with the same word are one sampling unit (a farm, a field trial)."),
    required("position_text", Text, "Position as given."),
    required("position_crs", Text, "Coordinate reference system as given or declared."),
    point("geom", "Exact position in WGS 84. Never leaves this schema."),
    optional("coord_uncertainty_m", Double, "Radius around the position within which the site lies [m]."),
    optional("declared_country", Text, "Country as given, ISO 3166-1 alpha-2."),
    words("flags", "Codes of rules that found the position or site suspect."),
    *provenance(),
    rule("position_on_earth", "ST_X(geom) BETWEEN -180 AND 180 AND ST_Y(geom) BETWEEN -90 AND 90"),
    rule("uncertainty_is_positive", "coord_uncertainty_m > 0"),
    UniqueConstraint("dataset_id", "own_id"),
    Index(None, "upload_id"),
    Index(None, "geom", postgresql_using="gist"),
    schema="core",
    comment="Places where soil was observed.",
)

site_region = Table(
    "site_region",
    metadata,
    bulk_link("site_id", "core.site", "The site.", primary_key=True),
    bulk_link("region_id", "core.region", "A region it is in.", Text, primary_key=True),
    required(
        "distance_m", Double, "0 inside; otherwise how far outside the generalised boundary the position lies [m]."
    ),
    rule("distance_is_not_negative", "distance_m >= 0"),
    Index(None, "region_id"),
    schema="core",
    comment="Regions of each site, found at import.",
)

site_practice = Table(
    "site_practice",
    metadata,
    link("site_id", "core.site.id", "The site.", cascade=True),
    link("practice_code", "pub.practice.code", "A practice applied there."),
    optional("starts_on", Date, "Since when, where known."),
    optional("ends_on", Date, "Until when; empty while it lasts."),
    rule("ends_after_start", "ends_on >= starts_on"),
    UniqueConstraint("site_id", "practice_code", "starts_on", postgresql_nulls_not_distinct=True),
    schema="core",
    comment="Practices applied at a site, and when.",
)

visit = Table(
    "visit",
    metadata,
    public_id(),
    bulk_link("site_id", "core.site", "The site."),
    required("own_id", Text, "The contributor's id of the profile."),
    required(
        "replicate", Text, "Replicate of the same site and date; empty text where there is one only.", server_default=""
    ),
    required("sampling_kind", Text, "single core or pit, or a composite of several."),
    optional("sampled_from", Date, "First day on which it may have been sampled."),
    optional("sampled_to", Date, "Last day on which it may have been sampled."),
    required("date_precision", Text, "How precisely the date is known."),
    optional("campaign", Text, "Name of the campaign."),
    optional("stratum", Text, "Stratum of the sampling design."),
    optional("inclusion_weight", Double, "Inverse of the inclusion probability."),
    optional("land_use", Text, "Land use at that time, FAO code."),
    optional("management", Text, "Management at that time, in words."),
    optional("rock_depth_cm", Double, "Depth of the lithic contact below the mineral surface [cm]."),
    optional("wrb", Text, "WRB reference soil group."),
    optional("wrb_version", Text, "Edition of the WRB."),
    optional("usda", Text, "Soil Taxonomy order."),
    optional("remarks", Text, "Remarks as given."),
    *provenance(),
    one_of("sampling_kind", ("single", "composite", "unknown")),
    one_of("date_precision", ("day", "month", "year", "unknown")),
    rule("date_has_precision", "(sampled_from IS NULL) = (date_precision = 'unknown')"),
    rule("dates_are_whole", "(sampled_from IS NULL) = (sampled_to IS NULL)"),
    rule("dates_are_ordered", "sampled_to >= sampled_from"),
    rule("date_is_plausible", "sampled_from >= DATE '1840-01-01'"),
    rule("weight_is_positive", "inclusion_weight > 0"),
    rule("rock_is_below_surface", "rock_depth_cm >= 0"),
    UniqueConstraint("site_id", "own_id", "replicate", "sampled_from", postgresql_nulls_not_distinct=True),
    schema="core",
    comment="One profile: a site observed at one time.",
)

secret = Table(
    "secret",
    metadata,
    Column("name", Text, primary_key=True, comment="What it is for."),
    Column("value", LargeBinary, nullable=False, comment="Random bytes, made with the database and never shown."),
    schema="core",
    comment="What hashes are salted with, so that nobody can work out what was hashed. Only the worker reads it.",
)

procedure = Table(
    "procedure",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True, comment="Number of the procedure."),
    link("upload_id", "core.upload.id", "The upload whose values it describes.", cascade=True),
    link("property", "pub.observed_property.code", "What was observed."),
    required("reported_unit", Text, "Unit as given or declared in the mapping."),
    optional("method", Text, "Procedure, GloSIS code where one fits."),
    optional("laboratory", Text, "Laboratory."),
    required("status", Text, "measured, estimated (a model or table), assumed (a default), or not said."),
    required("source_column", Text, "Column the values were read from."),
    one_of("status", RESULT_STATUS),
    UniqueConstraint(
        "upload_id",
        "property",
        "reported_unit",
        "method",
        "laboratory",
        "status",
        "source_column",
        name="procedure_described_once_key",
        postgresql_nulls_not_distinct=True,
    ),
    schema="core",
    comment="How values of an upload were obtained and given: what they share is written once.",
)

layer = Table(
    "layer",
    metadata,
    Column(
        "id", BigInteger, Identity(), primary_key=True, comment="Number of the layer; it leaves this schema nowhere."
    ),
    bulk_link("visit_id", "core.visit", "The profile."),
    optional("own_id", Text, "The contributor's id of the layer or sample."),
    required("top_cm", Double, "Upper limit [cm]; zero at the mineral surface, down positive."),
    required("bottom_cm", Double, "Lower limit [cm]; zero at the mineral surface, down positive."),
    required("kind", Text, "Mineral soil, or organic surface layer (a separate pool)."),
    optional("horizon", Text, "Horizon designation as given."),
    words("flags", "Codes of rules that found the layer suspect."),
    Column(
        "procedures",
        ARRAY(Integer),
        nullable=False,
        server_default=text("'{}'"),
        comment="How each value was obtained: core.procedure, one of each at most.",
    ),
    Column(
        "result_values",
        ARRAY(Double),
        nullable=False,
        server_default=text("'{}'"),
        comment="Values, each in the canonical unit of its property, in the order of procedures.",
    ),
    Column(
        "result_texts",
        ARRAY(Text),
        nullable=False,
        server_default=text("'{}'"),
        comment="The same values as given, letter by letter.",
    ),
    optional(
        "result_qualifiers",
        Text,
        "A letter a value, = exact, < or > a limit of detection or of the scale; empty: all are exact.",
    ),
    optional(
        "result_uncertainties",
        ARRAY(Double),
        "Standard uncertainty of each value, in its canonical unit; empty: not given.",
    ),
    optional(
        "result_flags", JSONB, "Codes of rules that found a value suspect, by its place counted from 1; empty: none."
    ),
    *provenance(),
    one_of("kind", ("mineral", "organic")),
    rule("bottom_below_top", "bottom_cm > top_cm"),
    rule("depth_is_plausible", "top_cm >= -1000 AND bottom_cm <= 1500"),
    rule("above_surface_is_organic", "top_cm >= 0 OR kind = 'organic'"),
    rule(
        "results_are_whole",
        "cardinality(result_values) = cardinality(procedures) AND cardinality(result_texts) = cardinality(procedures)"
        " AND coalesce(length(result_qualifiers), cardinality(procedures)) = cardinality(procedures)"
        " AND coalesce(cardinality(result_uncertainties), cardinality(procedures)) = cardinality(procedures)",
    ),
    rule(
        "results_are_said",
        "array_position(procedures, NULL) IS NULL AND array_position(result_values, NULL) IS NULL"
        " AND array_position(result_texts, NULL) IS NULL",
    ),
    rule(
        "values_are_numbers",
        "'Infinity'::float8 > ALL (result_values) AND '-Infinity'::float8 < ALL (result_values)",
    ),
    rule("uncertainties_are_positive", "0 < ALL (result_uncertainties)"),
    rule("qualifiers_known", "result_qualifiers ~ '^[=<>]+$'"),
    Index(None, "visit_id"),
    schema="core",
    comment="Depth intervals of a profile (horizons or fixed layers) with their values; the view core.result has a row a value.",
)

derived = Table(
    "derived",
    metadata,
    bulk_link("visit_id", "core.visit", "The profile."),
    required("quantity", Text, "What was derived: soc_stock [t C/ha], soc_content [g/kg]."),
    required("upper_cm", Double, "Upper limit of the interval [cm]."),
    required("lower_cm", Double, "Lower limit of the interval [cm]."),
    required("mass_basis", Text, "fixed_depth, esm_mineral or esm_total."),
    optional("value", Double, "Value in the quantity's unit; empty where it cannot be computed."),
    optional("u_random", Double, "Standard uncertainty that averages out over samples, same unit."),
    optional("u_systematic", Double, "Standard uncertainty shared by the samples, same unit."),
    required("coverage", Double, "Share of the interval that the layers cover."),
    optional("n_layers", Integer, "Mineral layers inside the interval."),
    optional("interpolation", Text, "Curve between the layers: none, linear or hyman."),
    optional("reason", Text, "Code of the reason why there is no value."),
    optional("depth_status", Text, "complete, stretched, limited_by_rock or incomplete."),
    optional("soc_source", Text, "Where the carbon content comes from."),
    optional("bd_source", Text, "Where the bulk density comes from."),
    optional("cf_source", Text, "Where the coarse fragments come from."),
    optional("tier", Text, "A: all measured; B: one input estimated; C: two or more."),
    words("flags", "Flags carried with the value."),
    required("method_version", Text, "Version of the computation."),
    one_of("mass_basis", ("fixed_depth", "esm_mineral", "esm_total")),
    one_of("tier", TIERS),
    rule("value_or_reason", "(value IS NULL) <> (reason IS NULL)"),
    rule("value_is_a_number", "value >= 0 AND value < 'Infinity'::float8"),
    rule("uncertainty_is_not_negative", "u_random >= 0 AND u_systematic >= 0"),
    rule("uncertainty_has_value", "value IS NOT NULL OR (u_random IS NULL AND u_systematic IS NULL)"),
    rule("coverage_is_a_share", "coverage BETWEEN 0 AND 1"),
    rule("layers_are_counted", "n_layers >= 0"),
    one_of("interpolation", ("none", "linear", "hyman")),
    rule("interval_is_ordered", "lower_cm > upper_cm"),
    UniqueConstraint("visit_id", "quantity", "upper_cm", "lower_cm", "mass_basis"),
    schema="core",
    comment="Stocks and contents of a profile over a depth interval, or why they cannot be computed.",
)

duplicate_candidate = Table(
    "duplicate_candidate",
    metadata,
    public_id(),
    link("first_id", "core.visit.id", "One profile.", cascade=True),
    link("second_id", "core.visit.id", "The profile that may be the same.", cascade=True),
    link("first_dataset_id", "core.dataset.id", "Dataset of the one profile.", cascade=True),
    link("second_dataset_id", "core.dataset.id", "Dataset of the other.", cascade=True),
    required("first_profile", Text, "The contributor's id of the one profile."),
    required("second_profile", Text, "The contributor's id of the other."),
    required("distance_m", Double, "Distance between their positions [m]."),
    required("shared_values", Integer, "Values that both have at the same depth and that agree."),
    required("state", Text, "open; same or different once a person has decided."),
    link("decided_by", "core.account.id", "Who decided.", empty=True),
    optional("decided_at", DateTime(timezone=True), "When."),
    optional("note", Text, "Why, in words of who decided."),
    moment("found_at", "When it was found."),
    one_of("state", ("open", "same", "different")),
    rule("ordered", "first_id < second_id"),
    rule("distance_is_not_negative", "distance_m >= 0"),
    UniqueConstraint("first_id", "second_id"),
    Index(None, "second_id"),
    Index(None, "first_dataset_id"),
    Index(None, "second_dataset_id"),
    schema="core",
    comment="Profiles of two datasets that may be one: for a person to decide, nothing is merged.",
)

flag_decision = Table(
    "flag_decision",
    metadata,
    public_id(),
    link("dataset_id", "core.dataset.id", "The dataset that the record belongs to.", cascade=True),
    required("kind", Text, "site, layer or result."),
    required("record", Text, "Id of the site; number of the layer; number of the layer, slash, place of the value."),
    required("code", Text, "Code of the rule."),
    required("dismissed", Boolean, "True: the flag is not shown, also after the rules ran again; false: restored."),
    required("note", Text, "Why, in words of who decided."),
    link("decided_by", "core.account.id", "Who decided; empty: an operator at the command line.", empty=True),
    moment("decided_at", "When."),
    one_of("kind", ("site", "layer", "result")),
    rule("code_is_a_word", "code ~ '^[A-Z][A-Z0-9_]+$'"),
    UniqueConstraint("kind", "record", "code"),
    Index(None, "dataset_id"),
    schema="core",
    comment="Flags that a reviewer dismissed or restored: flags change, values never.",
)

rule_run = Table(
    "rule_run",
    metadata,
    public_id(),
    link("dataset_id", "core.dataset.id", "The dataset whose stored data were checked again.", cascade=True),
    required("rules_version", Text, "Version of the rules."),
    Column("counts", JSONB, nullable=False, comment="Findings per rule code, and how many are new or gone."),
    moment("at", "When."),
    Index(None, "dataset_id"),
    schema="core",
    comment="Rules applied again to stored data: flags change, values never.",
)

disclosed = Table(
    "disclosed",
    metadata,
    link("region_id", "core.region.id", "The region.", cascade=True),
    required("indicator", Text, "Id of the indicator."),
    required("upper_cm", Integer, "Upper limit of the depth interval [cm]."),
    required("lower_cm", Integer, "Lower limit of the depth interval [cm]."),
    required("period", Text, "Period of the figure."),
    required("slice", Text, "Subset of the sites."),
    Column(
        "contributions",
        JSONB,
        nullable=False,
        comment="Sites of data that are not open, by dataset and own id, with a hash of what each gave.",
    ),
    UniqueConstraint("region_id", "indicator", "upper_cm", "lower_cm", "period", "slice"),
    schema="core",
    comment="What the last published figure of a region rests on: a next one may not betray the difference.",
)

# --- Rasters --------------------------------------------------------------------------------------------------------

raster = Table(
    "raster",
    metadata,
    public_id(),
    required("slug", Text, "Short stable name used in URLs.", unique=True),
    required("title", Text, "Title to cite."),
    required("path", Text, "File below the data folder."),
    required("quantity", Text, "What the cells hold."),
    required("unit", Text, "Unit after scaling, UCUM."),
    required("scale", Double, "Factor from stored numbers to the unit."),
    optional("upper_cm", Double, "Upper limit of the depth interval [cm]."),
    optional("lower_cm", Double, "Lower limit of the depth interval [cm]."),
    required("crs", Text, "Coordinate reference system of the file."),
    areas("extent", "Outline in WGS 84."),
    required("licence", Text, "SPDX identifier or name of the licence."),
    optional("citation", Text, "How to cite it."),
    required("sha256", LargeBinary, "SHA-256 of the file."),
    moment("created_at", "When it was registered."),
    rule("interval_is_ordered", "lower_cm > upper_cm"),
    rule("scale_is_positive", "scale > 0"),
    rule("hash_is_sha256", "length(sha256) = 32"),
    Index(None, "extent", postgresql_using="gist"),
    schema="core",
    comment="Registered raster maps.",
)

raster_zonal = Table(
    "raster_zonal",
    metadata,
    link("raster_id", "core.raster.id", "The map.", cascade=True),
    link("region_id", "core.region.id", "The region.", cascade=True),
    optional("mean", Double, "Area-weighted mean, in the map's unit; empty where no cell has a value."),
    optional("se_independent", Double, "Standard error if errors of cells were independent."),
    optional("se_correlated", Double, "Standard error if errors of cells were perfectly correlated."),
    required("covered", Double, "Share of the region's area with valid cells."),
    required("method_version", Text, "Version of the computation."),
    rule("covered_is_a_share", "covered BETWEEN 0 AND 1"),
    UniqueConstraint("raster_id", "region_id"),
    schema="core",
    comment="Means of maps over regions.",
)

# --- What is published ----------------------------------------------------------------------------------------------

RELEASE_KINDS = (
    "publish",
    "supersede",
    "terms",
    "embargo",
    "withdraw",
    "restore",
    "settle",
    "refresh",
    "reference",
)

release = Table(
    "release",
    metadata,
    Column(
        "number", Integer, primary_key=True, autoincrement=False, comment="Running number; the version of the data."
    ),
    moment("created_at", "When it was published."),
    required(
        "kind",
        Text,
        "What made it: publish, supersede, terms, embargo, withdraw, restore, settle, refresh or reference.",
    ),
    required("summary", Text, "What changed, in a sentence."),
    required("content_hash", LargeBinary, "SHA-256 over the rows that changed and the hash of the release before."),
    optional("dataset_id", Uuid, "The dataset that it is about; empty: several, or none."),
    Column(
        "changes",
        JSONB,
        nullable=False,
        server_default=text("'{}'"),
        comment="Rows added, changed and removed, by kind of row; why a dataset was withdrawn.",
    ),
    one_of("kind", RELEASE_KINDS),
    rule("number_is_positive", "number > 0"),
    rule("hash_is_sha256", "length(content_hash) = 32"),
    schema="pub",
    comment="Versions of the published data: every publication, withdrawal or recomputation makes one.",
)


def released(*, checked: bool = True) -> tuple[Column[object], Column[object], CheckConstraint]:
    """The releases in which a row is valid.

    checked : whether a foreign key says so. Of tables that take millions of rows at once a trigger asks once a statement.
    """
    key = ("pub.release.number",) if checked else ()
    return (
        Column(
            "released_from",
            Integer,
            *(ForeignKey(name) for name in key),
            nullable=False,
            comment="First release in which the row is valid.",
        ),
        Column(
            "released_to",
            Integer,
            *(ForeignKey(name) for name in key),
            nullable=True,
            comment="First release in which it no longer is; empty: still valid.",
        ),
        rule("releases_are_ordered", "released_to > released_from"),
    )


CURRENT = text("released_to IS NULL")

pub_dataset = Table(
    "dataset",
    metadata,
    Column("row", BigInteger, Identity(always=True), primary_key=True, comment="Number of the row."),
    required("id", Uuid, "The dataset."),
    required("slug", Text, "Short stable name used in URLs."),
    required("title", Text, "Title to cite."),
    optional("description", Text, "What it holds and how it was made."),
    required("licence", Text, "SPDX identifier or name of the licence."),
    optional("licence_url", Text, "Where the licence can be read."),
    required("licence_class", Text, "What the licence lets us publish."),
    optional("citation", Text, "How to cite it."),
    optional("doi", Text, "Digital object identifier."),
    optional("source_url", Text, "Where it was published before."),
    words("owners", "Owners as named in the citation."),
    required("sampling_design", Text, "How sites were chosen."),
    required("location_precision", Text, "How precisely positions are published."),
    flag("synthetic", "Made by a generator, not measured."),
    required("n_sites", Integer, "Published sites."),
    required("n_observations", Integer, "Published observations."),
    *released(),
    Index("dataset_current_idx", "id", unique=True, postgresql_where=CURRENT),
    Index("dataset_history_idx", "id", "released_from"),
    schema="pub",
    comment="Published datasets and their terms.",
)

POSITION_3857 = "pub.web_mercator(geom)"


def published_position() -> tuple[Column[object], ...]:
    """Where a published point is, in the forms that maps need."""
    return (
        point("geom", "Published position in WGS 84, generalised to the dataset's precision."),
        # Written by the publication, which computes them once a site: of each row they would take longer than writing it.
        Column(
            "geom_3857",
            Geometry("POINT", 3857, spatial_index=False),
            nullable=False,
            comment="The same in Web Mercator, for tiles: pub.web_mercator.",
        ),
        required(
            "morton", BigInteger, "Morton key of it, 24 levels: cells of a tile are ranges of it; pub.morton_key."
        ),
        required("min_zoom", SmallInteger, "Smallest zoom of tiles that show the point.", server_default=text("0")),
        optional("coordinate_uncertainty_m", Double, "Radius within which the true position lies [m]."),
        required("location_precision", Text, "Precision of the published position."),
    )


def written_in_order(table: str) -> tuple[Index, ...]:
    """Tiny indexes that find the rows of a dataset or release: both are written together, so they lie together."""
    return tuple(
        Index(f"{table}_{column}_idx", column, postgresql_using="brin")
        for column in ("dataset_id", "released_from", "released_to")
    )


pub_site = Table(
    "site",
    metadata,
    Column("fid", BigInteger, Identity(always=True), primary_key=True, comment="Number for tiles."),
    required("id", Uuid, "The site."),
    required("dataset_id", Uuid, "The dataset."),
    optional("own_id", Text, "The contributor's id; empty where positions are generalised."),
    *published_position(),
    optional("country", Text, "Region id of the country."),
    required("n_visits", Integer, "Profiles."),
    optional("first_sampled", Date, "Earliest sampling date."),
    optional("last_sampled", Date, "Latest sampling date."),
    optional("soc_stock", Double, "SOC stock 0–30 cm of the latest profile [t C/ha]."),
    optional("soc_stock_reason", Text, "Why there is no stock."),
    optional("soc_content", Double, "SOC content 0–30 cm of the latest profile [g/kg]."),
    flag("synthetic", "Made by a generator, not measured."),
    *released(checked=False),
    one_of("location_precision", LOCATION_PRECISIONS),
    Index("site_current_idx", "id", unique=True, postgresql_where=CURRENT),
    Index("site_current_geom_idx", "geom", postgresql_using="gist", postgresql_where=CURRENT),
    Index("site_current_geom_3857_idx", "geom_3857", postgresql_using="gist", postgresql_where=CURRENT),
    Index("site_current_morton_idx", "morton", postgresql_where=CURRENT),
    *written_in_order("site"),
    schema="pub",
    comment="Published sites.",
)

pub_observation = Table(
    "observation",
    metadata,
    Column("fid", BigInteger, Identity(always=True), primary_key=True, comment="Number for tiles."),
    required("id", Uuid, "The observation: one result."),
    required("site_id", Uuid, "The site."),
    required("visit_id", Uuid, "The profile."),
    required("dataset_id", Uuid, "The dataset."),
    *published_position(),
    required("property", Text, "Code of the observed property."),
    required("value", Double, "Value in the canonical unit."),
    required("qualifier", Text, "= exact; < or > a limit."),
    optional("uncertainty", Double, "Standard uncertainty, canonical unit."),
    required("status", Text, "measured, estimated, assumed or unknown."),
    optional("method", Text, "Procedure."),
    required("top_cm", Double, "Upper limit of the layer [cm]."),
    required("bottom_cm", Double, "Lower limit of the layer [cm]."),
    required("layer_kind", Text, "mineral or organic."),
    optional("horizon", Text, "Horizon designation."),
    optional("sampled_from", Date, "First day on which it may have been sampled."),
    optional("sampled_to", Date, "Last day on which it may have been sampled."),
    required("date_precision", Text, "How precisely the date is known."),
    words("flags", "Codes of rules that found value, layer or site suspect."),
    flag("synthetic", "Made by a generator, not measured."),
    *released(checked=False),
    one_of("location_precision", LOCATION_PRECISIONS),
    Index("observation_current_idx", "id", unique=True, postgresql_where=CURRENT),
    Index("observation_current_site_idx", "site_id", postgresql_where=CURRENT),
    Index("observation_current_property_idx", "property", "id", postgresql_where=CURRENT),
    Index("observation_current_geom_idx", "geom", postgresql_using="gist", postgresql_where=CURRENT),
    Index("observation_current_morton_idx", "property", "morton", postgresql_where=CURRENT),
    *written_in_order("observation"),
    schema="pub",
    comment="Published observations: one per layer and property.",
)

pub_partner = Table(
    "partner",
    metadata,
    Column("fid", BigInteger, Identity(always=True), primary_key=True, comment="Number for tiles."),
    required("id", Uuid, "The organisation."),
    required("name", Text, "Name."),
    required("college", Text, "Stakeholder college."),
    optional("group_name", Text, "Group within the college."),
    flag("is_funder", "Funding body."),
    words("tiers", "forum, consortium."),
    optional("country_code", Text, "ISO 3166-1 alpha-3."),
    optional("initiative_region", Text, "World region as the Initiative counts it."),
    optional("place", Text, "Town of the seat."),
    point("geom", "Position, as precise as position_precision says.", empty=True),
    Column(
        "geom_3857",
        Geometry("POINT", 3857, spatial_index=False),
        Computed(POSITION_3857, persisted=True),
        comment="The same in Web Mercator, for tiles.",
    ),
    optional("position_precision", Text, "address, city or country."),
    Column("agreements", JSONB, nullable=False, comment="Dated agreements."),
    optional("website", Text, "Home page."),
    optional("ror", Text, "Identifier in the Research Organization Registry."),
    *released(),
    Index("partner_current_idx", "id", unique=True, postgresql_where=CURRENT),
    Index("partner_current_geom_idx", "geom", postgresql_using="gist", postgresql_where=CURRENT),
    Index("partner_current_geom_3857_idx", "geom_3857", postgresql_using="gist", postgresql_where=CURRENT),
    schema="pub",
    comment="Published partner organisations.",
)

pub_region = Table(
    "region",
    metadata,
    Column("fid", BigInteger, Identity(always=True), primary_key=True, comment="Number for tiles."),
    required("id", Text, "The region."),
    required("kind", Text, "What the region is."),
    required("code", Text, "Code within the kind."),
    optional("iso_a2", Text, "ISO 3166-1 alpha-2 code of a country."),
    required("name_en", Text, "Name in English."),
    optional("name_fr", Text, "Name in French."),
    optional("name_es", Text, "Name in Spanish."),
    optional("parent_id", Text, "Region that contains this one."),
    optional("initiative_region", Text, "World region as the Initiative counts it."),
    areas("geom", "Boundary in WGS 84."),
    Column(
        "geom_3857",
        Geometry("MULTIPOLYGON", 3857, spatial_index=False),
        nullable=False,
        comment="The same in Web Mercator, cut at its limits of latitude.",
    ),
    point("label_point", "Where a map writes the name.", empty=True),
    required("area_km2", Double, "Geodesic area [km²]."),
    required("cell_count", Integer, "H3 cells of resolution 5 whose centre lies inside."),
    required("source", Text, "Where the boundary comes from."),
    required("licence", Text, "Licence of the boundary."),
    *released(),
    Index("region_current_idx", "id", unique=True, postgresql_where=CURRENT),
    Index("region_history_idx", "id", "released_from"),
    Index("region_current_geom_idx", "geom", postgresql_using="gist", postgresql_where=CURRENT),
    Index("region_current_geom_3857_idx", "geom_3857", postgresql_using="gist", postgresql_where=CURRENT),
    schema="pub",
    comment="Published regions.",
)

estimate = Table(
    "estimate",
    metadata,
    Column("row", BigInteger, Identity(always=True), primary_key=True, comment="Number of the row."),
    required("indicator", Text, "Id of the indicator."),
    required("region_id", Text, "The region."),
    required("upper_cm", Integer, "Upper limit of the depth interval [cm]."),
    required("lower_cm", Integer, "Lower limit of the depth interval [cm]."),
    required("mass_basis", Text, "fixed_depth, esm_mineral or esm_total."),
    required("period", Text, "all, or first and last year such as 2010/2019."),
    required("slice", Text, "Subset of the sites, such as a land use; all where none.", server_default="all"),
    optional("value", Double, "Estimated mean, in the indicator's unit."),
    optional("sd", Double, "Standard deviation between sampling units."),
    optional("se", Double, "Standard error of the mean."),
    optional("lower", Double, "Lower limit of the interval."),
    optional("upper", Double, "Upper limit of the interval."),
    optional("level", Double, "Confidence level of the interval."),
    optional("df", Double, "Degrees of freedom of the interval."),
    optional("median", Double, "Median."),
    optional("q1", Double, "Lower quartile."),
    optional("q3", Double, "Upper quartile."),
    required("n_sites", Integer, "Sites with a value."),
    required("n_units", Integer, "Sampling units: clusters, or sites outside any cluster."),
    optional("n_effective", Double, "Effective number of independent units, where weights differ."),
    required("n_owners", Integer, "Owners of the data."),
    required("estimator", Text, "Id of the estimator."),
    required("representative", Boolean, "Whether the sampling design supports inference for the region."),
    required("indicative", Boolean, "Few units: read with care."),
    optional("refused", Text, "Code of the reason why there is no value."),
    words("notes", "Codes of what a reader should know about the value."),
    Column("coverage", JSONB, nullable=False, comment="Sites, cells and years that the estimate rests on."),
    Column("quality", JSONB, nullable=False, comment="Shares of quality tiers and of measured inputs."),
    required(
        "synthetic",
        Text,
        "Whether generated data are in it: none or all. They never share a number with measured ones.",
    ),
    Column("datasets", JSONB, nullable=False, comment="Datasets with number of sites; terms are in pub.dataset."),
    required("method_version", Text, "Version of the computation."),
    moment("computed_at", "When it was computed."),
    *released(),
    one_of("mass_basis", ("fixed_depth", "esm_mineral", "esm_total")),
    one_of("synthetic", ("none", "all")),
    rule("value_or_reason", "value IS NOT NULL OR median IS NOT NULL OR refused IS NOT NULL"),
    rule("refused_has_no_value", "refused IS NULL OR value IS NULL"),
    rule("interval_is_whole", "num_nulls(lower, upper, level) IN (0, 3)"),
    rule("interval_holds_value", "value BETWEEN lower AND upper"),
    rule("error_is_not_negative", "se >= 0"),
    rule("units_within_sites", "n_units <= n_sites"),
    rule("period_form", r"period ~ '^(all|\d{4}/\d{4})$'"),
    Index(
        "estimate_current_idx",
        "region_id",
        "indicator",
        "upper_cm",
        "lower_cm",
        "mass_basis",
        "period",
        "slice",
        unique=True,
        postgresql_where=CURRENT,
    ),
    Index("estimate_current_map_idx", "indicator", "period", "upper_cm", "lower_cm", postgresql_where=CURRENT),
    Index("estimate_region_history_idx", "region_id", "indicator", "released_from"),
    Index("estimate_map_history_idx", "indicator", "period", "upper_cm", "lower_cm", "released_from"),
    schema="pub",
    comment="Indicators of regions, disclosure-controlled: the only statistics that the public role can read.",
)
