"""Every knob of the service: one class, environment variables `OBSERVATORY_*`, made once and passed down.

`DATABASE_URL`, `DATABASE_READ_URL` and `PORT`-like names that platforms set are read without the prefix where the
field says so. `docs/operations.md` lists each setting; a test holds the page and this class together.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def _separated(given: object) -> object:
    """Words separated by commas, as an environment variable holds them."""
    return tuple(word.strip() for word in given.split(",") if word.strip()) if isinstance(given, str) else given


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_separated)]


class Settings(BaseSettings):
    """What an operator may change, with default, unit and sentence."""

    model_config = SettingsConfigDict(
        env_prefix="OBSERVATORY_", env_file=".env", extra="ignore", frozen=True, populate_by_name=True
    )

    host: str = Field("127.0.0.1", description="Address the service listens on; 0.0.0.0 in a container.")
    port: int = Field(8000, ge=1, le=65535, description="TCP port the service listens on.")
    public_url: str | None = Field(
        None,
        description="Base of the links in answers, for example https://observatory.example/api; "
        "without it links follow the request's own host.",
    )
    data_dir: Path = Field(
        Path("var"), description="Folder that holds the private database cluster, uploaded files and rasters."
    )
    database_url: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("DATABASE_URL", "database_url"),
        description="PostgreSQL server to use; without it the service runs its own private cluster in the data folder.",
    )
    database_web_url: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("DATABASE_WEB_URL", "database_web_url"),
        description="Login of the public, read-only role, on the same server; without it DATABASE_URL switches "
        "to that role on every connection.",
    )
    database_read_url: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("DATABASE_READ_URL", "database_read_url"),
        description="A read replica for public requests; it wins over DATABASE_WEB_URL.",
    )
    pg_bindir: Path | None = Field(
        None, description="Folder with initdb and postgres; found by itself when empty (newest version with PostGIS)."
    )
    pool_size: int = Field(8, ge=1, le=200, description="Database connections per class of work (features, tiles).")
    features_timeout_s: float = Field(15.0, gt=0, description="Longest time a feature or indicator query may take [s].")
    tiles_timeout_s: float = Field(5.0, gt=0, description="Longest time a tile query may take [s].")
    max_upload_mb: int = Field(300, ge=1, description="Largest file that an upload or import takes [MB].")
    max_validate_mb: int = Field(20, ge=1, description="Largest file that /validate takes [MB].")
    validations: int = Field(2, ge=1, le=64, description="Files that /validate checks at the same time.")
    validate_timeout_s: float = Field(60.0, gt=0, description="Longest time /validate may take for a file [s].")
    max_body_mb: int = Field(1, ge=1, description="Largest body of a request that brings no file [MB].")
    worker: bool = Field(
        default=True,
        description="Whether serve runs a worker beside itself; without it, start observatory worker elsewhere.",
    )
    items_limit_default: int = Field(10, ge=1, description="Features per page when a request names no limit.")
    items_limit_max: int = Field(10_000, ge=1, description="Most features per page; a larger limit is clamped to it.")
    cors_origins: Words = Field(("*",), description="Origins that browsers may read answers from, separated by commas.")
    oidc_issuers: Words = Field(
        (), description="OpenID Connect providers whose tokens are accepted, exactly as they name themselves."
    )
    oidc_audiences: Words = Field(
        (), description="What tokens must be made for: client ids or API identifiers, separated by commas."
    )
    oidc_first_role: Literal["none", "contributor"] = Field(
        "none", description="Role that a person gets who signs in for the first time."
    )
    rate_limits: bool = Field(default=True, description="Whether requests are counted and limited.")
    reads_per_minute: int = Field(12_000, ge=1, description="Most GET and HEAD requests per key or address.")
    control_per_minute: int = Field(600, ge=1, description="Most requests that change something per key or address.")
    uploads_per_hour: int = Field(240, ge=1, description="Most files per key or address.")
    failures_per_hour: int = Field(60, ge=1, description="Most wrong keys or tokens per address.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")
    log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="Shape of log lines; auto is console on a terminal and json elsewhere."
    )

    @property
    def uploads_dir(self) -> Path:
        """Folder of the files that came in, under their hash."""
        return self.data_dir / "uploads"

    @property
    def cluster_dir(self) -> Path:
        """Folder of the private cluster."""
        return self.data_dir / "cluster"
