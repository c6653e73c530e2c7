"""What every test may use: where the shared data sets are, and small towns."""

from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real data sets beside the checkout; skip where it is missing."""
    if not SHARED.is_dir():
        pytest.skip(f"no shared data sets at {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def four_by_two():
    """Eight units of 100 m in two rows, each with one building; a main road between the rows.

    ::

        4:90  5:90  6:90  7:90      northern row, community B in the last two columns
        ------ main road ------
        0:60  1:60  2:60  3:60      southern row
        └──── A ────┘└─── B ───┘
    """
    from tests import towns

    return towns.make_four_by_two()
