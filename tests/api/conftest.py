"""A published town behind the API: spring's plan, and autumn's with two grids merged."""

import warnings
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from api.app import create_app
from api.settings import Settings
from gridmap.edit import merge_grids
from gridmap.keys import KeyStore
from gridmap.plan import Plan, draw_plan
from gridmap.store import PlanStore
from gridmap.synthetic import make_city
from tests.towns import make_four_by_two

with warnings.catch_warnings():
    # Starlette asks for httpx2, and does with httpx too.
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

SPRING, AUTUMN = date(2026, 3, 1), date(2026, 9, 1)
#: The small town's plan is in force from here on.
SMALL = date(2026, 5, 1)


@dataclass(frozen=True)
class Town:
    """A store with two publications, and what was kept in it."""

    folder: Path
    spring: Plan
    autumn: Plan


def neighbours(plan: Plan) -> list[str]:
    """Return two grids of one community that touch."""
    code = plan.units["grid_code"]
    first, second = code.loc[plan.adjacency["unit_a"]], code.loc[plan.adjacency["unit_b"]]
    for one, other in zip(first, second, strict=True):
        if one != other and one[:12] == other[:12]:
            return [one, other]
    raise AssertionError("no two grids of a community touch")


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """Draw, keep and publish a town of a dozen grids."""
    folder = tmp_path_factory.mktemp("town")
    spring = draw_plan(make_city(12), steps=20)
    autumn = merge_grids(spring, neighbours(spring))
    store = PlanStore(folder)
    for plan, name, day in ((spring, "spring", SPRING), (autumn, "autumn", AUTUMN)):
        store.keep(plan, name)
        store.publish(name, day, by="王芳", why="test", today=day)
    store.keep(autumn, "draft")
    return Town(folder, spring, autumn)


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Publish the small town of eight buildings in a folder that tests take copies of."""
    folder = tmp_path_factory.mktemp("published")
    store = PlanStore(folder)
    store.keep(make_four_by_two(), "plan")
    store.publish("plan", SMALL, by="王芳", today=SMALL)
    return folder


@pytest.fixture(scope="session")
def client(town: Town):
    """Return a client on a day in spring; faults come back as answers, as people see them."""
    app = create_app(town.folder, today=lambda: date(2026, 5, 1))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def make_client():
    """Return a function that makes a client of an app and closes it after the test."""
    opened = []

    def make(folder: Path, **options):
        today = options.pop("today", lambda: date(2026, 5, 1))
        app = create_app(Settings(store=folder, **options), today=today)
        client = TestClient(app, raise_server_exceptions=False)
        client.__enter__()
        opened.append(client)
        return client

    yield make
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture
def bearer():
    """Return a function that makes a key in a store, and the headers that carry it."""

    def make(folder: Path, role: str, **options) -> dict[str, str]:
        text = KeyStore(folder).add(f"the {role}", role, by="test", **options)
        return {"Authorization": f"Bearer {text}"}

    return make
