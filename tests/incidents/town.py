"""The small town with people in it: a worker a grid, a liaison a community and department."""

from datetime import datetime

import pandas as pd

from gridmap.incidents.desk import Desk, make_desk
from gridmap.incidents.model import Actor, Location, Report, Step
from gridmap.rules import DEPARTMENTS
from tests.towns import make_four_by_two

#: South-west, north-west, south-east, north-east; K1 to K4 serve them.
SW, NW, SE, NE = "210802003002002", "210802003002001", "210802003003002", "210802003003001"
SATURDAY = datetime.fromisoformat("2022-12-10T09:00+08:00")
#: A metre, in degrees, where the town lies (on the equator).
METRE = 1 / 111_320
WEST, SOUTH = 118.513048, 0.0

CITIZEN, WORKER = Actor("reporter"), Actor("worker", "K1")
COMMUNITY, STREET, DISTRICT = Actor("community", "c"), Actor("street", "s"), Actor("district", "d")
WATER = Actor("department", "w", "供水")


def make_town_desk() -> Desk:
    """Return the desk of the small town."""
    plan = make_four_by_two()
    staffing = pd.DataFrame(
        {
            "grid_code": [SW, NW, SE, NE],
            "worker_id": ["K1", "K2", "K3", "K4"],
            "role": "primary",
            "starts": pd.Timestamp("2022-01-01"),
            "ends": pd.NaT,
        }
    )
    pairs = [(key, name) for key in plan.city.communities.index for name in DEPARTMENTS]
    liaisons = pd.DataFrame(pairs, columns=["community_id", "department"]).assign(
        post=lambda table: table["department"] + "联络岗", name="", phone="0417-" + "0" * 7
    )
    return make_desk(plan, {"staffing": staffing, "liaisons": liaisons}, on=SATURDAY.date())


def at(east: float, north: float) -> Location:
    """Return the place so many metres into the town."""
    return Location(WEST + east * METRE, SOUTH + north * METRE)


def report(east: float = 50, north: float = 50, category: str = "供水", **told: object) -> Report:
    """Return a report of Saturday morning."""
    return Report(category, at(east, north), **{"reported_at": SATURDAY, **told})  # type: ignore[arg-type]


def step(action: str, actor: Actor, hour: float = 1, **told: object) -> Step:
    """Return a step so many hours after Saturday morning."""
    moment = SATURDAY + pd.Timedelta(hours=hour).to_pytimedelta()
    return Step(action, actor, **{"at": moment, "note": "因为", **told})  # type: ignore[arg-type]
