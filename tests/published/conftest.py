"""The folder of reference numbers made by independent software; the tests that need it skip where it is absent."""

from pathlib import Path

import pytest

from tests.conftest import SHARED


@pytest.fixture(scope="session")
def reference() -> Path:
    if SHARED is None or not (SHARED / "reference").is_dir():
        pytest.skip("no reference numbers: set OBSERVATORY_TEST_DATA to the folder that holds them")
    return SHARED / "reference"
