"""Plans on disk: each kept once in a GeoPackage of its own, and which one is in force since when.

::

    folder/
      2026-spring.gpkg     one kept plan, read-only; opens in QGIS
      2026-spring.locator  its index for finding owners; made again where it is missing
      2026-spring.prepared what a service tells of it; made again where it is missing
      2026-spring.pmtiles  its vector tiles, for any map; made again where it is missing
      plans.json           of each plan: its fingerprint, when it was kept, how large it is
      publications.json    every publication, in the order in which they were made; only grows
      areas.json           the number of every code that was published; made again where it is
                           missing, from the published plans (gridmap.area_numbers); only grows
      2026-spring.search.sqlite   what of it can be found by name; made anew where it is missing
      staff.sqlite         who serves the grids of each plan since when (gridmap.staff_store)
      .keep.lock           empty, as .publish.lock, .index.lock, .locator.lock, .prepared.lock and
                           .pmtiles.lock are: held by who writes such files; they stay

A plan is kept from the moment its file has its name: plans.json is written before, so a file under
a name always has a fingerprint. Both indexes are replaced whole, under a lock: whoever reads sees
the old or the new one, and a process killed at any point leaves the old state or the new one.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import shapely
from filelock import FileLock, Timeout

from gridmap.area_numbers import AreaNumbers, add_plans, from_json, to_json
from gridmap.days import today_in_china
from gridmap.errors import (
    GridmapError,
    IndexFileError,
    PlanDamagedError,
    PlanKeptError,
    PlanNotFoundError,
    StoreError,
)
from gridmap.files import sync_file, sync_folder
from gridmap.later import later
from gridmap.locate import Locator, open_locator
from gridmap.packages import (
    read_codes,
    read_grids,
    read_plan,
    read_rules,
    refuse_different,
    write_plan,
)
from gridmap.prepared import Prepared, open_prepared, prepare_plan, write_prepared
from gridmap.rules import Rules
from gridmap.search.index import SearchIndex, fill_index, is_current, write_index
from gridmap.staff_store import Entry, keep_tables, list_records, read_tables, stamp_tables
from gridmap.tables import list_some

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from gridmap.plan import Plan
    from gridmap.tiles import KeptTiles
else:
    gpd = later("geopandas")
    pd = later("pandas")

_Kept = TypeVar("_Kept")
#: Square metres that a grid shares at least with one of its code in an earlier plan.
_SHARED = 1.0
#: Seconds to wait for whoever keeps or publishes at the same time.
_PATIENCE = 60
_DRAFT = ".keeping"
#: What a file is by: its number, when it was written, its size; None where there is none.
Stamp = tuple[int, int, int] | None
#: What Windows keeps for devices, with any ending.
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


@dataclass(frozen=True)
class KeptPlan:
    """What plans.json says of a plan.

    Parameters
    ----------
    fingerprint : str
        SHA-256 of its file.
    kept_at : str
        When it was kept, ISO 8601 with the time zone.
    grids, households : int
        How many it has.
    """

    fingerprint: str
    kept_at: str
    grids: int
    households: int


@dataclass(frozen=True)
class Publication:
    """One row of publications.json.

    Parameters
    ----------
    plan : str
        Name of the plan.
    fingerprint : str
        SHA-256 of its file.
    valid_from : str
        First day on which it is in force, ISO 8601.
    published_at : str
        When that was decided, ISO 8601 with the time zone.
    by, why : str
        Who decided, and the reason given.
    """

    plan: str
    fingerprint: str
    valid_from: str
    published_at: str
    by: str
    why: str


class PlanStore:
    """Plans in a folder. A kept plan never changes; on any day at most one is in force.

    Parameters
    ----------
    folder : path
        Where the plans are. It is made when the first plan is kept, and must lie on a file system
        with hard links (ext4, XFS, APFS, NTFS, NFS; not FAT). Any number of processes may read
        and write at the same time.

    Notes
    -----
    Files of plans are read-only so that QGIS, which writes into what it opens, leaves them alone.
    The file of a plan that was never published may be deleted to be rid of the plan.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._record = str(self.folder / "publications.json")

    def keep(self, plan: Plan, name: str) -> str:
        """Keep a plan under a name, for good.

        It is written beside its final name, read back and compared, and only then named. What fails
        or is killed before that leaves nothing but a hidden file, which the next call removes.

        Parameters
        ----------
        plan : Plan
            The plan. The same plan gives the same bytes, as long as GDAL and SQLite are the same.
        name : str
            Letters of any script, digits, ``-``, ``_`` and ``.``, beginning with a letter or digit.

        Returns
        -------
        str
            The fingerprint: SHA-256 of the file.

        Raises
        ------
        PlanKeptError
            If a plan of that name is kept already, or one that differs in upper and lower case.
        StoreError
            If the name is not a safe one, the disk refuses, or a table holds what a GeoPackage
            can't give back exactly.
        """
        _check_name(name)
        with self._alone("keep"):
            self._refuse_taken(name)
            self._remove_drafts()
            try:
                return self._keep_new(plan, name)
            finally:
                self._remove_drafts()

    def publish(
        self, name: str, valid_from: date, *, by: str, why: str = "", today: date | None = None
    ) -> None:
        """Put a kept plan in force from a day on, in one atomic step.

        From ``valid_from`` it is in force until the ``valid_from`` of another publication. Of two
        for the same day the later publication counts: that is how a mistake is corrected. Both
        stay in the record.

        What was in force on a day that is over can't be changed: incidents were given to grids by
        it. So ``valid_from`` is today or later; an earlier day is accepted only where no plan was
        in force on it, which is how the record of a city begins.

        A code stands for one grid for good: a plan is refused in which a code that was published
        before stands for a grid elsewhere, that shares no land with it.

        Parameters
        ----------
        name : str
            Name of a kept plan.
        valid_from : date
            First day on which it is in force.
        by : str
            Who decides.
        why : str
            The reason, for the record.
        today : date, optional
            The current day; by default China's.

        Raises
        ------
        PlanNotFoundError
            If no plan of that name is kept.
        PlanDamagedError
            If its file is not what was kept.
        StoreError
            If nobody is named, ``valid_from`` is no date, it would change the past, or a code would
            stand for another grid than before.
        """
        _check_day(valid_from, "valid_from")
        if not by.strip():
            raise StoreError("by is empty; name who publishes the plan")
        with self._alone("publish"):
            fingerprint = self._find_kept(name).fingerprint
            self._verify_file(name, fingerprint)
            record = self._read_publications()
            _refuse_past(record, valid_from, today or today_in_china())
            self._refuse_reused(record, name)
            self._make_beside(name)
            new = Publication(name, fingerprint, valid_from.isoformat(), _now(), by, why)
            rows = [asdict(publication) for publication in [*record, new]]
            _replace_json(self.folder / "publications.json", rows)
            with suppress(GridmapError, OSError):  # it is published; numbers are given when asked
                self._write_numbers(self._number_areas())

    def load(self, name: str) -> Plan:
        """Read a kept plan; it equals the one that was kept, to the byte of every geometry.

        Raises
        ------
        PlanNotFoundError
            If no plan of that name is kept.
        PlanDamagedError
            If its file is not what was kept.
        StoreError
            If it was written by a later version of gridmap.
        """
        self._verify_file(name, self._find_kept(name).fingerprint)
        return read_plan(self._path_of(name))

    def load_grids(self, name: str) -> gpd.GeoDataFrame:
        """Read the grids of a kept plan alone; much faster than `load` for a large city.

        Raises
        ------
        PlanNotFoundError, PlanDamagedError
            As `load`.
        """
        self._verify_file(name, self._find_kept(name).fingerprint)
        return read_grids(self._path_of(name))

    def locator(self, name: str) -> Locator:
        """Return the locator of a kept plan, from the file beside it.

        The file is made when the plan is published, or here where it is missing, of another plan,
        of an earlier version or damaged. It is mapped into memory, not read: this takes
        milliseconds for any city, and all processes of a machine share it.

        Raises
        ------
        PlanNotFoundError, PlanDamagedError
            As `load`.
        """
        return self._open_locator(
            name, lambda: (self.load_grids(name), read_rules(self._path_of(name)))
        )

    def prepared(self, name: str) -> Prepared:
        """Return what a service tells of a kept plan, from the file beside it.

        The file is made when the plan is published, or here where it is missing, of another plan,
        of an earlier version or damaged. It is mapped into memory: all processes of a machine share
        it, and the plan's own file is not read.

        Raises
        ------
        PlanNotFoundError, PlanDamagedError
            As `load`. A plan's file that has its size and was not written since it was prepared is
            believed; any other is compared with its fingerprint.
        """
        return self._open_prepared(name, partial(self.load, name))

    def tiles(self, name: str) -> KeptTiles:
        """Return the vector tiles of a kept plan, for the public, from the file beside it.

        The file, a PMTiles archive, is made when the plan is published, or here where it is
        missing, of another plan, of an earlier version or damaged.

        Raises
        ------
        PlanNotFoundError, PlanDamagedError
            As `load`.
        """
        return self._open_tiles(name, partial(self.load, name))

    def in_force(self, on: date) -> Plan:
        """Read the plan that is in force on a day; checked against what was published.

        Raises
        ------
        PlanNotFoundError
            If none is in force on that day.
        PlanDamagedError
            If its file is not what was published.
        """
        publication = self._find_publication(on)
        self._verify_file(publication.plan, publication.fingerprint)
        return read_plan(self._path_of(publication.plan))

    def name_in_force(self, on: date) -> str:
        """Return the name of the plan that is in force on a day; reads one small file.

        Raises
        ------
        PlanNotFoundError
            If none is in force on that day.
        """
        return self._find_publication(on).plan

    def record_stamp(self) -> Stamp:
        """Return what changes whenever a plan is published; asks for no more than a file's state.

        The record is replaced whole, so its file is another one then.
        """
        try:
            state = os.stat(self._record)  # noqa: PTH116  # asked at every request of a service
        except FileNotFoundError:
            return None
        return state.st_ino, state.st_mtime_ns, state.st_size

    def plans(self) -> pd.DataFrame:
        """List the kept plans, in the order in which they were kept.

        Returns
        -------
        DataFrame
            Index ``name``; ``grids``, ``households``, ``kept_at`` (UTC), ``fingerprint``; of the
            latest publication ``valid_from``, ``published_at`` (UTC), ``published_by`` and
            ``why``, empty for a plan that was never published.
        """
        kept = {name: asdict(plan) for name, plan in self._read_plans().items()}
        columns = ["grids", "households", "kept_at", "fingerprint"]
        plans = pd.DataFrame(list(kept.values()), pd.Index(kept, dtype="str"), columns)
        plans = plans.astype({"grids": "int64", "households": "int64", "fingerprint": "str"})
        plans["kept_at"] = pd.to_datetime(plans["kept_at"], utc=True)
        latest = self.publications().drop_duplicates("plan", keep="last").set_index("plan")
        latest = latest.drop(columns="fingerprint").rename(columns={"by": "published_by"})
        return plans.join(latest).rename_axis("name")

    def publications(self) -> pd.DataFrame:
        """List every publication, in the order in which they were made.

        Returns
        -------
        DataFrame
            ``plan``, ``fingerprint``, ``valid_from``, ``published_at`` (UTC), ``by``, ``why``.
        """
        columns = list(Publication.__dataclass_fields__)
        rows = [asdict(publication) for publication in self.list_publications()]
        record = pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(columns, "str"))
        record["valid_from"] = pd.to_datetime(record["valid_from"], format="%Y-%m-%d")
        record["published_at"] = pd.to_datetime(record["published_at"], utc=True)
        return record

    def list_publications(self) -> list[Publication]:
        """List what `publications` does, row by row, as it stands in the record: for a service."""
        return self._read_publications()

    def area_numbers(self) -> AreaNumbers:
        """Return the numbers of the areas of all published plans, from the file beside the record.

        It is written when a plan is published. What it lacks is added here, from the plans that can
        be read, and no number changes by that.

        Raises
        ------
        PlanDamagedError
            If the file is not what was written.
        """
        if not self._list_unnumbered(kept := self._read_numbers()):
            return kept
        with self._in_turn(".publish"):
            made = self._number_areas()
            if len(made.plans) > len(kept.plans):
                with suppress(OSError):
                    self._write_numbers(made)
        return made

    def keep_staff(
        self,
        name: str,
        tables: Mapping[str, pd.DataFrame],
        valid_from: date,
        *,
        by: str,
        why: str = "",
        today: date | None = None,
    ) -> None:
        """Keep who serves the grids of a kept plan, from a day on; all tables or none.

        The plan's file and fingerprint stay as they are. Records only grow: a correction is
        another record.

        Parameters
        ----------
        name : str
            Name of a kept plan.
        tables : mapping of str to DataFrame
            Name in `gridmap.staff_store.STAFF_TABLES` -> table that keeps that contract: workers,
            staffing, branches, liaisons … (``branches.tables`` is all of those of
            `form_branches`).
        valid_from : date
            First day on which they count; today or later where there is a table for that day.
        by, why : str
            Who keeps them, and the reason, for the record.
        today : date, optional
            The current day; by default China's.

        Raises
        ------
        PlanNotFoundError
            If no plan of that name is kept.
        StoreError
            If nobody is named, a table is not registered or of other grids, or it would change the
            past.
        TableError
            If a table breaks its contract.
        """
        _check_day(valid_from, "valid_from")
        if not by.strip():
            raise StoreError("by is empty; name who keeps the tables")
        fingerprint = self._find_kept(name).fingerprint
        entry = Entry(name, fingerprint, valid_from, by, why)
        grids = read_codes(self._path_of(name))
        keep_tables(self.folder, entry, tables, grids=grids, today=today or today_in_china())

    def staff(self, name: str, on: date) -> dict[str, pd.DataFrame]:
        """Read the tables of a kept plan that count on a day, by name; none is an empty dict.

        Raises
        ------
        PlanNotFoundError
            If no plan of that name is kept.
        PlanDamagedError
            If a record is not what was kept.
        """
        _check_day(on, "on")
        self._find_kept(name)
        return read_tables(self.folder, name, on)

    def staff_stamp(self, name: str) -> int:
        """Return a number that changes whenever tables are kept for a plan; 0 where none are."""
        return stamp_tables(self.folder, name)

    def staff_records(self, name: str) -> pd.DataFrame:
        """List every record of a plan's tables (`gridmap.staff_store.list_records`)."""
        self._find_kept(name)
        return list_records(self.folder, name)

    def search_index(self, name: str) -> SearchIndex:
        """Open the index by which things of a kept plan are found (`gridmap.search`).

        It was written when the plan was kept. Where it is missing or of another version of gridmap
        it is written anew, by one process while the others wait.

        Raises
        ------
        PlanNotFoundError, PlanDamagedError
            As `load`.
        StoreError
            If the index must be written and the folder refuses.
        """
        fingerprint = self._find_kept(name).fingerprint
        path = self._search_path(name)
        if not is_current(path, fingerprint):
            with self._alone("index"):
                if not is_current(path, fingerprint):
                    write_index(self.load(name), path, fingerprint=fingerprint)
        return SearchIndex(path)

    def _read_numbers(self) -> AreaNumbers:
        with _read_json(self.folder / "areas.json", {}) as told:
            return from_json(told)

    def _write_numbers(self, numbers: AreaNumbers) -> None:
        _replace_json(self.folder / "areas.json", to_json(numbers), indent=None)

    def _number_areas(self) -> AreaNumbers:
        """Return the numbers that were given, and those of plans that had none yet."""
        kept = self._read_numbers()
        return add_plans(kept, self._list_unnumbered(kept), self._read_codes)

    def _list_unnumbered(self, kept: AreaNumbers) -> list[str]:
        """Return the published plans that have no numbers, in the order of the record."""
        names = dict.fromkeys(publication.plan for publication in self._read_publications())
        return [name for name in names if name not in kept.plans]

    def _read_codes(self, name: str) -> Iterable[str]:
        """Return the codes of a plan's grids: from its locator, or where that is not, its file."""
        fingerprint = self._find_kept(name).fingerprint
        with suppress(FileNotFoundError, IndexFileError):
            return open_locator(self._index_of(name), fingerprint=fingerprint).codes
        self._verify_file(name, fingerprint)
        return read_codes(self._path_of(name))

    def _make_beside(self, name: str) -> None:
        """Make what lies beside a plan whose file was verified; it is read once for all of them."""
        load = cache(lambda: read_plan(self._path_of(name)))
        with suppress(GridmapError):  # grids that can't be indexed: whoever locates is told
            self._open_locator(name, lambda: (load().grids, load().rules))
        with suppress(GridmapError, KeyError):  # grids that lack a column: no service tells it
            self._open_prepared(name, load)
        with suppress(GridmapError, KeyError):
            self._open_tiles(name, load)

    def _open_locator(
        self, name: str, load: Callable[[], tuple[gpd.GeoDataFrame, Rules]]
    ) -> Locator:
        fingerprint, path = self._find_kept(name).fingerprint, self._index_of(name)

        def make() -> Locator:
            grids, rules = load()
            return Locator(grids, near_border=rules.near_border, nearest=rules.nearest)

        return self._open_or_make(
            path,
            partial(open_locator, path, fingerprint=fingerprint),
            make,
            lambda made: made.save(path, fingerprint=fingerprint),
        )

    def _open_prepared(self, name: str, load: Callable[[], Plan]) -> Prepared:
        fingerprint, path = self._find_kept(name).fingerprint, self._prepared_path(name)

        def open_kept() -> Prepared:
            state = self._path_of(name).stat()
            kept = open_prepared(path, fingerprint=fingerprint, size=state.st_size)
            if kept.written != state.st_mtime_ns:
                self._verify_file(name, fingerprint)
            return kept

        def write(made: Prepared) -> None:
            state = self._path_of(name).stat()
            size, written = state.st_size, state.st_mtime_ns
            write_prepared(made, path, fingerprint=fingerprint, size=size, written=written)

        return self._open_or_make(path, open_kept, lambda: prepare_plan(load()), write)

    def _open_tiles(self, name: str, load: Callable[[], Plan]) -> KeptTiles:
        from gridmap.tiles import KeptTiles, keep_tiles, make_tiles, open_tiles  # late: few cut any

        fingerprint, path = self._find_kept(name).fingerprint, self._tiles_path(name)

        def make() -> KeptTiles:
            archive = keep_tiles(make_tiles(load()), fingerprint=fingerprint)
            return KeptTiles(archive, fingerprint=fingerprint)

        return self._open_or_make(
            path,
            partial(open_tiles, path, fingerprint=fingerprint),
            make,
            lambda made: made.save(path),
        )

    def _open_or_make(
        self,
        path: Path,
        open_kept: Callable[[], _Kept],
        make: Callable[[], _Kept],
        write: Callable[[_Kept], None],
    ) -> _Kept:
        """Open a file beside a plan; where it is not, one process makes it while others wait.

        What can't be written (a folder that refuses, a full disk) is in memory then.
        """
        with suppress(FileNotFoundError, IndexFileError):
            return open_kept()
        with self._in_turn(path.suffix):
            with suppress(FileNotFoundError, IndexFileError):
                return open_kept()
            made = make()
            with suppress(OSError):
                write(made)
                return open_kept()
        return made

    @contextmanager
    def _in_turn(self, kind: str) -> Iterator[None]:
        """Wait until nobody else makes a file of a kind; where no lock can be had, go on without.

        So does who has waited too long: a file that is made twice is as good as one.
        """
        lock = FileLock(self.folder / f"{kind}.lock", timeout=_PATIENCE)
        with suppress(OSError, Timeout):
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def _search_path(self, name: str) -> Path:
        return self.folder / f"{name}.search.sqlite"

    def _prepared_path(self, name: str) -> Path:
        return self.folder / f"{name}.prepared"

    def _tiles_path(self, name: str) -> Path:
        return self.folder / f"{name}.pmtiles"

    def _path_of(self, name: str) -> Path:
        return self.folder / f"{name}.gpkg"

    def _index_of(self, name: str) -> Path:
        return self.folder / f"{name}.locator"

    @contextmanager
    def _alone(self, verb: str) -> Iterator[None]:
        """Hold the lock of a verb, and say what to do when the folder refuses."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / f".{verb}.lock", timeout=_PATIENCE):
                yield
        except Timeout as error:
            raise StoreError(
                f"another process has been busy to {verb} in {self.folder} for {_PATIENCE} s; "
                "try again when it has ended"
            ) from error
        except OSError as error:
            raise StoreError(
                f"can't {verb} in {self.folder}: {error}; look at the free space, the rights and "
                "the file system (hard links are needed), then try again"
            ) from error

    def _refuse_taken(self, name: str) -> None:
        """Refuse a name that is kept or published, or whose file is somebody else's."""
        taken = {other.casefold(): other for other in self._read_plans()}
        other = taken.get(name.casefold())
        if other is not None:
            raise PlanKeptError(
                f"plan {other!r} is kept in {self.folder}, and kept plans never change; "
                f"keep this one under another name than {name!r}"
            )
        if self._path_of(name).exists():
            raise StoreError(
                f"{self._path_of(name)} exists and was not kept by this store; move it away, or "
                "keep the plan under another name"
            )

    def _keep_new(self, plan: Plan, name: str) -> str:
        draft = self.folder / f"{_DRAFT}.gpkg"
        write_plan(plan, draft)
        refuse_different(plan, read_plan(draft))
        sync_file(draft)
        draft.chmod(0o444)
        households = int(plan.grids["households"].sum())
        kept = KeptPlan(_hash_file(draft), _now(), len(plan.grids), households)
        index = self.folder / f"{_DRAFT}.search.sqlite"
        fill_index(plan, index, fingerprint=kept.fingerprint)
        rows = {other: asdict(row) for other, row in {**self._read_plans(), name: kept}.items()}
        _replace_json(self.folder / "plans.json", rows)
        _name_once(draft, self._path_of(name))
        with suppress(OSError):  # the plan is kept; an index that is missing is written when asked
            index.replace(self._search_path(name))
        return kept.fingerprint

    def _remove_drafts(self) -> None:
        """Remove what an interrupted call left: the draft and SQLite's journal beside it."""
        for draft in sorted(self.folder.glob(f"{_DRAFT}*")):
            draft.unlink(missing_ok=True)

    def _refuse_reused(self, record: list[Publication], name: str) -> None:
        """Refuse codes that stood for a grid elsewhere when they were in force last."""
        grids = read_grids(self._path_of(name))
        open_codes = grids.index
        for publication in sorted(record, key=lambda one: one.valid_from)[::-1]:
            path = self._path_of(publication.plan)
            if not len(open_codes) or not path.exists():
                continue
            old = read_grids(path).to_crs(grids.crs)
            known = open_codes.intersection(old.index)
            apart = _find_apart(grids.geometry[known], old.geometry[known])
            if len(apart):
                raise StoreError(
                    f"codes {list_some(apart)} of plan {name!r} stand for other grids in "
                    f"{publication.plan!r}, published from {publication.valid_from} on: a code is "
                    "never given again; take the plan in force and change it (assign_units), or "
                    "redraw_plan(city, before=the plan in force)"
                )
            open_codes = open_codes.difference(old.index)

    def _find_kept(self, name: str) -> KeptPlan:
        _check_name(name)
        plans = self._read_plans()
        if name not in plans:
            raise PlanNotFoundError(
                f"no plan {name!r} is kept in {self.folder}; {_name_kept(plans)}"
            )
        return plans[name]

    def _find_publication(self, on: date) -> Publication:
        """Return the publication that counts on a day: the latest of the latest first day."""
        _check_day(on, "on")
        record = self._read_publications()
        publication = _pick_publication(record, on)
        if publication is not None:
            return publication
        if not record:
            hint = f"none was ever published; {_name_kept(self._read_plans())}"
        else:
            first = min(record, key=lambda one: one.valid_from)
            hint = f"the first is {first.plan!r}, from {first.valid_from} on"
        raise PlanNotFoundError(f"no plan of {self.folder} is in force on {on}: {hint}")

    def _verify_file(self, name: str, fingerprint: str) -> None:
        """Refuse a file that is gone, or is not the one with this fingerprint."""
        path = self._path_of(name)
        if not path.exists():
            wrong = "is gone"
        else:
            found = _hash_file(path)
            if found == fingerprint:
                return
            size = path.stat().st_size
            wrong = f"was changed or cut short since (SHA-256 {found[:12]}…, {size} bytes)"
        raise PlanDamagedError(
            f"{path} {wrong}; plan {name!r} was kept with SHA-256 {fingerprint}: restore that file "
            "from a backup, or keep the plan again under another name and publish that"
        )

    def _read_plans(self) -> dict[str, KeptPlan]:
        """Read plans.json: plans with a file, and published ones even if their file is gone."""
        published = {publication.plan for publication in self._read_publications()}
        with _read_json(self.folder / "plans.json", {}) as rows:
            plans = {name: KeptPlan(**row) for name, row in rows.items()}
        return {
            name: plan
            for name, plan in plans.items()
            if name in published or self._path_of(name).exists()
        }

    def _read_publications(self) -> list[Publication]:
        with _read_json(self.folder / "publications.json", []) as rows:
            return [Publication(**row) for row in rows]


def _check_name(name: str) -> None:
    """Refuse a name that is no safe file name on every system."""
    if not re.fullmatch(r"[^\W_][\w.-]*", name) or name.endswith(".") or _DEVICES.fullmatch(name):
        raise StoreError(
            f"{name!r} can't be the name of a plan: use letters of any script, digits, '-', '_' "
            "and '.', beginning with a letter or a digit and not ending with '.'"
        )
    if len(name.encode()) > 200:
        raise StoreError(f"{name!r} is too long for the name of a file: 200 bytes of UTF-8 at most")


def _check_day(day: date, called: str) -> None:
    """Refuse a time of day: plans change at midnight."""
    if not isinstance(day, date) or isinstance(day, datetime):
        raise StoreError(f"{called} is {day!r}, not a datetime.date such as date(2026, 3, 1)")


def _refuse_past(record: list[Publication], valid_from: date, today: date) -> None:
    before = _pick_publication(record, valid_from)
    if valid_from < today and before is not None:
        raise StoreError(
            f"valid_from {valid_from} is before today, {today}, and plan {before.plan!r} was in "
            "force then: what was in force on days that are over can't be changed; publish from "
            "today or a later day on"
        )


def _pick_publication(record: list[Publication], on: date) -> Publication | None:
    """Return what counts on a day: the latest first day up to it, the last publication for that."""
    begun = [publication for publication in record if publication.valid_from <= on.isoformat()]
    return max(reversed(begun), key=lambda publication: publication.valid_from, default=None)


def _find_apart(new: gpd.GeoSeries, old: gpd.GeoSeries) -> list[str]:
    """Return the codes of grids that share no land."""
    shared = shapely.area(shapely.intersection(new.to_numpy(), old.to_numpy()))
    return [str(code) for code in new.index[shared < _SHARED]]


def _name_kept(plans: dict[str, KeptPlan]) -> str:
    return f"kept are {list_some(sorted(plans))}" if plans else "no plan is kept there"


def _now() -> str:
    return datetime.now(UTC).astimezone().isoformat(timespec="seconds")


# --- files -------------------------------------------------------------------------------------


def _hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _name_once(draft: Path, path: Path) -> None:
    """Give a file its name, and fail if there is a file of that name."""
    if os.name == "nt":  # never overwrites there, and a read-only link can't be removed
        draft.rename(path)
    else:
        os.link(draft, path)
        draft.unlink()
    sync_folder(path.parent)


def _replace_json(path: Path, content: Any, *, indent: int | None = 1) -> None:
    """Replace a file in one step: readers see the old or the new content, whole."""
    draft = path.with_name(f".{path.name}.new")
    try:
        draft.write_text(json.dumps(content, ensure_ascii=False, indent=indent), encoding="utf-8")
        sync_file(draft)
        draft.replace(path)
    except OSError:
        with suppress(OSError):  # the first error is the one to report
            draft.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


@contextmanager
def _read_json(path: Path, missing: Any) -> Iterator[Any]:
    """Give the content of an index; what the block can't make sense of is damage."""
    try:
        yield json.loads(path.read_text(encoding="utf-8")) if path.exists() else missing
    except (ValueError, TypeError, AttributeError) as error:
        raise PlanDamagedError(
            f"{path} was changed and can't be read ({error}); restore it from a backup"
        ) from error
