"""Plans ready to be asked: each read from the store once, then kept in memory by name.

A kept plan never changes, so its name says everything; which one is in force is asked of the store
at every request. A request takes one `ServedPlan` and uses nothing else: it never sees half of two.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from api.kept import Kept, KeptReading
from api.models import GridContact, GridProperties, GridRef
from gridmap.days import CHINA
from gridmap.errors import PlanDamagedError
from gridmap.geojson import NO_FEATURES, Bbox, Features, frame_features
from gridmap.later import later
from gridmap.locate import Locator
from gridmap.prepared import Prepared
from gridmap.rules import Rules
from gridmap.search import Found, SearchIndex, search
from gridmap.store import PlanStore, Stamp
from gridmap.tiles import KeptTiles

if TYPE_CHECKING:
    from gridmap import areas, batches
    from gridmap.staff import cards
else:  # few requests need them, and whole libraries come with them
    areas, batches = later("gridmap.areas"), later("gridmap.batches")
    cards = later("gridmap.staff.cards")

#: Things that are found before those of other districts are left out.
_MOST_FOUND = 500


@dataclass(frozen=True)
class ServedPlan:
    """Everything that answers about one plan are made of; no household count of a building."""

    name: str
    quoted: str
    rules: Rules
    locator: Locator
    told: Mapping[str, Mapping[str, Any]]
    grids: dict[str, GridProperties]
    heads: dict[str, str]
    refs: dict[str, str]
    retired: dict[str, str]
    bbox: Bbox | None
    metric: int | None
    features: Features
    layers: Mapping[str, Features]
    document: bytes
    document_gzip: bytes

    @cached_property
    def batches(self) -> batches.Batches:
        """What answers many points at once; made when it is first asked for."""
        return batches.make_batches(self.locator, self.told)

    @cached_property
    def query(self) -> bytes:
        """The parameter that names the plan."""
        return f"plan={quote(self.name)}".encode()

    def list_features(self, collection: str) -> Features:
        """Return the features of ``grids``, or of a layer of the base map."""
        return self.features if collection == "grids" else self.layers[collection]


@dataclass(frozen=True)
class Published:
    """A plan's name, the first day of it, and when that was decided."""

    name: str
    valid_from: date
    published_at: datetime


@dataclass(frozen=True)
class InForce:
    """A plan, the day on which it is in force that was asked for, and what put it in force."""

    plan: ServedPlan
    as_of: date
    published: Published

    @property
    def changed(self) -> str:
        """Since when answers are as they are, as HTTP writes it.

        That is when the plan was published, or its first midnight in China where that came later:
        until then whoever named no day was told of the plan before it. So it may change while a
        plan is kept.
        """
        published = self.published.published_at
        begun = datetime.combine(self.published.valid_from, time(), CHINA).astimezone(UTC)
        since = max(published, begun) if begun <= datetime.now(UTC) else published
        return format_datetime(since, usegmt=True)


@dataclass(frozen=True)
class UnitFeatures:
    """The units of a plan, for the office, and the grid of each."""

    features: Features
    codes: tuple[str, ...]


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
        self._served = Kept[str, ServedPlan](most)
        self._staff: Kept[tuple[str, int, date], cards.Tables] = Kept(most)
        self._units = Kept[str, UnitFeatures](most)
        self._homes = Kept[str, Any](most)
        self._areas: Kept[str, areas.AreaIndex] = Kept(most)
        self._numbers = KeptReading(store.record_stamp, store.area_numbers)
        self._indexes = Kept[str, SearchIndex](most)
        self._tiles = Kept[str, KeptTiles](most)
        #: Days that were asked for, the record of publications then, and what was in force.
        self._known: dict[date, tuple[Stamp, InForce]] = {}
        self._record = KeptReading(store.record_stamp, self._read_record)

    def in_force(self, on: date) -> InForce:
        """Return the plan in force on a day, ready to be asked.

        Raises
        ------
        PlanNotFoundError
            If none was.
        """
        known = self.peek(on)
        if known is not None:
            return known
        stamp = self._store.record_stamp()
        published = self.find(on)
        in_force = InForce(self._get(published.name), on, published)
        kept = {**self._known, on: (stamp, in_force)}
        self._known = {day: one for day, one in kept.items() if one[1].plan.name in self._served}
        return in_force

    def peek(self, on: date) -> InForce | None:
        """Return what `in_force` does, where nothing has to be read for that; else None."""
        stamp, in_force = self._known.get(on, (None, None))
        return in_force if stamp == self._store.record_stamp() else None

    def record_stamp(self) -> Stamp:
        """Return what changes whenever a plan is published."""
        return self._store.record_stamp()

    def make_ready(self, on: date) -> None:
        """Have at hand whatever may be asked of the plan in force on a day.

        Raises
        ------
        GridmapError
            If none is, or it can't be read.
        """
        in_force = self.in_force(on)
        plan = in_force.plan
        if plan.bbox is not None:
            for features in (plan.features, *plan.layers.values()):
                features.find(bbox=plan.bbox)
        self.tiles(in_force)
        self.search(in_force, "a", 1)  # reads the dictionary of sounds, too

    def make_rest_ready(self, on: date) -> None:
        """Have at hand what is asked of a plan more seldom, and the libraries for it.

        Raises
        ------
        GridmapError
            If no plan is in force, or it can't be read.
        """
        in_force = self.in_force(on)
        self.area_index(in_force)
        _ = in_force.plan.batches
        self._get_staff(in_force)

    def search(
        self,
        in_force: InForce,
        text: str,
        most: int,
        *,
        covers: Callable[[str], bool] | None = None,
    ) -> list[Found]:
        """Find what a person means in a plan.

        The public is told of it what `api.models` names. With ``covers`` only what has a code that
        is the caller's business, and what has none: street offices and streets.
        """
        plan = in_force.plan
        index = self._get_index(plan.name)
        if covers is None:
            return search(index, text, locator=plan.locator, most=most)
        found = search(index, text, locator=plan.locator, most=_MOST_FOUND)
        codes = ((one.place.grid_code or one.place.community_code, one) for one in found)
        return [one for code, one in codes if not code or covers(code)][:most]

    def _get_index(self, name: str) -> SearchIndex:
        return self._indexes.get(name, lambda: self._store.search_index(name))

    def find_contact(self, in_force: InForce, code: str) -> GridContact | None:
        """Return whom a resident may call about a grid on a day; None where nobody is kept."""
        card = cards.describe_contact(self._get_staff(in_force), code, in_force.as_of)
        return None if card is None else GridContact(**card)

    def describe_staff(self, in_force: InForce, code: str, community_id: str) -> dict[str, Any]:
        """Return who serves a grid on a day, for the office."""
        tables = self._get_staff(in_force)
        party = in_force.plan.rules.party
        return cards.describe_staff(tables, code, community_id, in_force.as_of, party)

    def describe_tasks(self, in_force: InForce, code: str) -> list[dict[str, Any]]:
        """Return the ten duties, each with what a grid asks for, for the office."""
        return cards.describe_tasks(self._get_staff(in_force), code)

    def describe_visits(self, in_force: InForce, starts: date, ends: date) -> list[dict[str, Any]]:
        """Return how far a round of visits is on a day, for the office.

        Raises
        ------
        RulesError
            If it ends before it starts.
        """
        name = in_force.plan.name
        return cards.describe_visits(
            self._get_staff(in_force),
            self._homes.get(name, lambda: self._store.load_grids(name)["households"]),
            in_force.plan.rules,
            starts=starts,
            ends=ends,
            today=in_force.as_of,
        )

    def _get_staff(self, in_force: InForce) -> cards.Tables:
        """Return the tables of a plan that count on a day; what is kept later is seen at once."""
        name, on = in_force.plan.name, in_force.as_of
        key = (name, self._store.staff_stamp(name), on)
        if key[1] == 0:
            return {}
        return self._staff.get(key, lambda: self._store.staff(name, on))

    def find(self, on: date) -> Published:
        """Return what put the plan in force that is in force on a day, without reading the plan.

        Raises
        ------
        PlanNotFoundError
            If none was.
        """
        name = self._store.name_in_force(on)
        # The record only grows: what was in force a moment ago is in it, whatever was added.
        rows = [row for row in self._record.get() if row.name == name and row.valid_from <= on]
        return max(rows, key=lambda row: (row.valid_from, row.published_at))

    def publications(self) -> list[Published]:
        """Return what was published, by first day; of two for one day the later counts.

        Drafts that are only kept are nobody's business.
        """
        by_day = {row.valid_from: row for row in self._record.get()}
        return [by_day[day] for day in sorted(by_day)]

    def _read_record(self) -> tuple[Published, ...]:
        """Read all publications."""
        return tuple(
            Published(row.plan, date.fromisoformat(row.valid_from), _read_moment(row.published_at))
            for row in self._store.list_publications()
        )

    def list_units(self, in_force: InForce) -> UnitFeatures:
        """Return the units of a plan with their households, for the office; read when asked for."""
        name = in_force.plan.name
        return self._units.get(name, lambda: self._read_units(name))

    def _read_units(self, name: str) -> UnitFeatures:
        units = self._store.load(name).units
        return UnitFeatures(frame_features(units), tuple(units["grid_code"].astype(str)))

    def area_index(self, in_force: InForce) -> areas.AreaIndex:
        """Return the areas of a plan as MapIt names them; made when first asked for.

        Raises
        ------
        PlanDamagedError
            If they have no numbers, for a plan that was published before them can't be read.
        """
        plan = in_force.plan
        return self._areas.get(plan.name, lambda: self._index_areas(plan))

    def _index_areas(self, plan: ServedPlan) -> areas.AreaIndex:
        kept = self._numbers.get()
        if plan.name not in kept.plans:
            self._numbers.forget()  # who asks next looks whether the plan can be read again
            raise PlanDamagedError(f"areas of plan {plan.name!r} have no numbers: {kept.lacking}")
        return _index_areas(plan, kept.numbers)

    def find_generations(self, area: areas.Area, in_force: InForce) -> tuple[int, int]:
        """Return the first and last publication, counted from 1, without a gap, with an area.

        What a plan that can't be read had is not known: an area is told as if it had none.
        """
        published = self.publications()
        codes = self._numbers.get().plans
        has_area = [_has_area(codes.get(row.name, frozenset()), area) for row in published]
        first = last = max(
            place for place, row in enumerate(published) if row.valid_from <= in_force.as_of
        )
        while first > 0 and has_area[first - 1]:
            first -= 1
        while last + 1 < len(has_area) and has_area[last + 1]:
            last += 1
        return first + 1, last + 1

    def tiles(self, in_force: InForce) -> KeptTiles:
        """Return the vector tiles of a plan, for the public."""
        name = in_force.plan.name
        return self._tiles.get(name, lambda: self._store.tiles(name))

    def peek_tile(self, in_force: InForce, zoom: int, column: int, row: int) -> bytes | None:
        """Return a tile, compressed, where nothing has to be read for that; else None."""
        tiles = self._tiles.peek(in_force.plan.name)
        return None if tiles is None else tiles.packed(zoom, column, row)

    def list_stations(self, in_force: InForce) -> Features:
        """Return the service stations that are kept with a plan on a day: their names, no more."""
        stations = self._get_staff(in_force).get("stations")
        return NO_FEATURES if stations is None else frame_features(stations[["name", "geometry"]])

    def staff_stamp(self, in_force: InForce) -> int:
        """Return a number that changes when somebody or something is kept beside a plan."""
        return self._store.staff_stamp(in_force.plan.name)

    def count_grids(self) -> dict[str, int]:
        """Return how many grids each kept plan has, without reading the plans."""
        return {str(name): int(count) for name, count in self._store.plans()["grids"].items()}

    def _get(self, name: str) -> ServedPlan:
        return self._served.get(name, lambda: self._prepare(name))

    def _prepare(self, name: str) -> ServedPlan:
        return serve_plan(self._store.prepared(name), name, self._store.locator(name))


def _read_moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _has_area(codes: Collection[str], area: areas.Area) -> bool:
    """Tell whether a plan has a grid of an area's code; an area without one stays."""
    return not area.code.isdecimal() or area.code in codes


def _index_areas(plan: ServedPlan, numbers: Mapping[str, int]) -> areas.AreaIndex:
    communities = plan.layers["communities"]
    told = [json.loads(text)["properties"] for text in communities.texts]
    grids = [plan.told[code] for code in plan.features.ids]
    return areas.AreaIndex(plan.features, communities, grids, told, numbers)


def serve_plan(prepared: Prepared, name: str, locator: Locator) -> ServedPlan:
    """Make of what is told of a plan the pieces that answers are put together from.

    Parameters
    ----------
    prepared : Prepared
        What is told of the plan.
    name : str
        What the store calls it; a name is given once, so it goes into entity tags.
    locator : Locator
        Of its grids.
    """
    features = prepared.grids
    grids = {code: GridProperties.model_validate(grid) for code, grid in prepared.told.items()}
    return ServedPlan(
        name=name,
        quoted=_write(name),
        rules=prepared.rules,
        locator=locator,
        told=prepared.told,
        grids=grids,
        heads={code: _write_head(code, grid) for code, grid in grids.items()},
        refs={
            code: GridRef(code=code, name=grid.name).model_dump_json()
            for code, grid in grids.items()
        },
        retired=dict(prepared.retired),
        bbox=features.bounds_of(range(len(features.ids))),
        metric=prepared.metric,
        features=features,
        layers=prepared.layers,
        document=prepared.document,
        document_gzip=prepared.document_gzip,
    )


def _write_head(code: str, grid: GridProperties) -> str:
    """Write the beginning of the answer to a place in a grid, up to how it was found."""
    return (
        f'{{"grid_code":{_write(code)},"name":{_write(grid.name)},'
        f'"community":{_write(grid.community)},"street":{_write(grid.street)},'
        f'"households":{_write(grid.households)},"match":"'
    )


def _write(value: str | int | None) -> str:
    return json.dumps(value, ensure_ascii=False)
