"""A desk of the small town, and an empty casebook on each database."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from gridmap.casebook.book import Casebook
from gridmap.casebook.database import open_engine
from gridmap.incidents.desk import Desk
from tests.incidents.town import make_town_desk
from tests.postgres import drop_database, make_database, run_server

_TEMPLATE = "casebook_template"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Run a server, with an empty casebook to make databases from."""
    with run_server() as server:
        open_engine(make_database(server, _TEMPLATE)).dispose()
        yield server


@pytest.fixture(scope="session")
def desk() -> Desk:
    """Four grids in two communities, with workers and liaisons."""
    return make_town_desk()


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str | Path]:
    """Name a file, or a database, that holds no case yet."""
    if request.param == "sqlite":
        yield tmp_path / "cases.sqlite"
        return
    server = request.getfixturevalue("postgres")
    url = make_database(server, f"test_{uuid4().hex[:12]}", _TEMPLATE)
    yield url
    drop_database(url)


@pytest.fixture
def book(where: str | Path, desk: Desk, tmp_path: Path) -> Iterator[Casebook]:
    """Open an empty casebook."""
    with Casebook(where, desk, photos=tmp_path / "photos") as book:
        yield book
