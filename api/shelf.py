"""Plans ready to be asked: each read from the store once, then kept in memory by name.

A kept plan never changes, so its name says everything; which one is in force is asked of the store
at every request. A request takes one `ServedPlan` and uses nothing else: it never sees half of two.
"""

import gzip
from collections import OrderedDict
from dataclasses import dataclass
from datetime import date
from threading import Lock
from typing import Any

from api.models import GridContact, GridProperties
from gridmap.geojson import (
    BASE_LAYERS,
    Bbox,
    Features,
    describe_grids,
    grid_features,
    layer_features,
)
from gridmap.locate import Locator, make_locator
from gridmap.plan import Plan
from gridmap.rules import Rules
from gridmap.search import Found, SearchIndex, search
from gridmap.staff.cards import Tables, describe_contact, describe_staff
from gridmap.store import PlanStore


@dataclass(frozen=True)
class ServedPlan:
    """Everything that answers about one plan are made of; no household count of a building."""

    name: str
    rules: Rules
    locator: Locator
    grids: dict[str, GridProperties]
    retired: dict[str, str]
    bbox: Bbox | None
    features: Features
    layers: dict[str, Features]
    document: bytes
    document_gzip: bytes


@dataclass(frozen=True)
class InForce:
    """A plan, and the day on which it is in force that was asked for."""

    plan: ServedPlan
    as_of: date


@dataclass(frozen=True)
class Published:
    """A plan's name and the first day of it."""

    name: str
    valid_from: date


class Shelf:
    """The store's plans, ready to be asked.

    Parameters
    ----------
    store : PlanStore
        Where plans are kept.
    most : int
        Plans that are kept in memory; the one asked least recently goes first.
    """

    def __init__(self, store: PlanStore, *, most: int = 4) -> None:
        self._store = store
        self._most = most
        self._served: OrderedDict[str, ServedPlan] = OrderedDict()
        self._staff: OrderedDict[tuple[str, int, date], Tables] = OrderedDict()
        self._indexes: OrderedDict[str, SearchIndex] = OrderedDict()
        self._lock = Lock()

    def in_force(self, on: date) -> InForce:
        """Return the plan in force on a day, ready to be asked.

        Raises
        ------
        PlanNotFoundError
            If none was.
        """
        return InForce(self._get(self._store.name_in_force(on)), on)

    def search(self, in_force: InForce, text: str, most: int) -> list[Found]:
        """Find what a person means in a plan; the public is told of it what `api.models` names."""
        plan = in_force.plan
        return search(self._get_index(plan.name), text, locator=plan.locator, most=most)

    def _get_index(self, name: str) -> SearchIndex:
        with self._lock:
            if name not in self._indexes:
                self._indexes[name] = self._store.search_index(name)
            self._indexes.move_to_end(name)
            while len(self._indexes) > self._most:
                self._indexes.popitem(last=False)
            return self._indexes[name]

    def find_contact(self, in_force: InForce, code: str) -> GridContact | None:
        """Return whom a resident may call about a grid on a day; None where nobody is kept."""
        card = describe_contact(self._get_staff(in_force), code, in_force.as_of)
        return None if card is None else GridContact(**card)

    def describe_staff(self, in_force: InForce, code: str, community_id: str) -> dict[str, Any]:
        """Return who serves a grid on a day, for the office."""
        tables = self._get_staff(in_force)
        party = in_force.plan.rules.party
        return describe_staff(tables, code, community_id, in_force.as_of, party)

    def _get_staff(self, in_force: InForce) -> Tables:
        """Return the tables of a plan that count on a day; what is kept later is seen at once."""
        name, on = in_force.plan.name, in_force.as_of
        key = (name, self._store.staff_stamp(name), on)
        if key[1] == 0:
            return {}
        with self._lock:
            if key not in self._staff:
                self._staff[key] = self._store.staff(name, on)
            self._staff.move_to_end(key)
            while len(self._staff) > self._most:
                self._staff.popitem(last=False)
            return self._staff[key]

    def find(self, on: date) -> Published:
        """Return the name and first day of the plan in force on a day, without reading the plan.

        Raises
        ------
        PlanNotFoundError
            If none was.
        """
        name = self._store.name_in_force(on)
        return Published(name, self.first_day(name, on))

    def first_day(self, name: str, on: date) -> date:
        """Return since when a plan has been in force that is in force on a day."""
        # The record only grows: what was in force a moment ago is in it, whatever was added.
        days = [row.valid_from for row in self._read_record() if row.name == name]
        return max(day for day in days if day <= on)

    def publications(self) -> list[Published]:
        """Return what was published, by first day; of two for one day the later counts.

        Drafts that are only kept are nobody's business.
        """
        by_day = {row.valid_from: row for row in self._read_record()}
        return [by_day[day] for day in sorted(by_day)]

    def _read_record(self) -> list[Published]:
        rows = self._store.publications().to_dict("records")
        return [Published(row["plan"], row["valid_from"].date()) for row in rows]

    def count_grids(self) -> dict[str, int]:
        """Return how many grids each kept plan has, without reading the plans."""
        return {str(name): int(count) for name, count in self._store.plans()["grids"].items()}

    def _get(self, name: str) -> ServedPlan:
        # One at a time: a plan that many ask for at once is read once.
        with self._lock:
            if name not in self._served:
                self._served[name] = serve_plan(self._store.load(name), name)
            self._served.move_to_end(name)
            while len(self._served) > self._most:
                self._served.popitem(last=False)
            return self._served[name]


def serve_plan(plan: Plan, name: str) -> ServedPlan:
    """Prepare a plan: its locator, what is told of its grids, and its GeoJSON.

    Parameters
    ----------
    plan : Plan
        The plan as kept.
    name : str
        What the store calls it; a name is given once, so it goes into entity tags.
    """
    rules = plan.rules
    told = describe_grids(plan, min_cell=rules.min_cell)
    features = grid_features(plan, told)
    document = features.collection()
    return ServedPlan(
        name=name,
        rules=rules,
        locator=make_locator(plan),
        grids={code: GridProperties.model_validate(grid) for code, grid in told.items()},
        retired={str(code): str(after) for code, after in plan.lineage["successors"].items()},
        bbox=features.bounds_of(range(len(features.ids))),
        features=features,
        layers={layer: layer_features(plan, layer) for layer in BASE_LAYERS},
        document=document,
        document_gzip=gzip.compress(document, 6, mtime=0),
    )
