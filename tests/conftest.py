"""What every test may use: where the public datasets lie, and a real PostGIS."""

import os
from pathlib import Path

_shared = Path(os.environ.get("OBSERVATORY_TEST_DATA", Path(__file__).parents[2] / "shared"))
SHARED: Path | None = _shared if _shared.is_dir() else None
"""The folder of public datasets and reference numbers; None where it is absent, and its tests skip."""
