"""Settings: sizes, costs, distances. Defaults: the reference city and published rules."""

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from numbers import Real
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np

from gridmap.errors import RulesError
from gridmap.incident_rules import Incidents

T = TypeVar("T")

#: Weights of the objective that have a name, each a method of `Costs`; the first is the default.
PRESETS = ("balance", "shape", "cut_edges")


@dataclass(frozen=True)
class Costs:
    """What a plan pays for, in units of a squared relative deviation.

    A grid that is 10 % off its target costs 0.01 by balance alone; each weight says how much
    imbalance one would accept to be rid of one such thing. Balance comes first by default, which is
    the preset `balance`; `shape` is the other end. Any weights between them are a mixture of both.

    An ``even`` of 0 is another question, the preset `cut_edges`: any size inside the band is as
    good as another, the band is a must, and only then the other costs count.

    Examples
    --------
    >>> Costs.balance() == Costs()
    True
    >>> round(Costs.shape().border / Costs.balance().border, 1)
    1.9
    """

    even: float = 1.0  #: × the squared deviation; 0 makes the band a must
    outside: float = 25.0  #: × the squared deviation beyond the tolerance
    street: float = 0.0000027  #: per metre along which a grid lies on both sides of a street
    main_road: float = 0.00027  #: the same along a main road
    railway: float = 0.00044  #: the same along a railway
    river: float = 0.00044  #: the same along a river
    compound: float = 0.0006  #: for each grid that a compound is spread over beyond its need
    border: float = 0.000053  #: per metre of border between grids of one community
    moved: float = 0.0005  #: per household that leaves its grid in a redraw
    slack: float = 0.05  #: share above the best balance that a small community may pay for the rest

    @classmethod
    def balance(cls) -> "Costs":
        """Return the weights that put even households first: the defaults."""
        return cls()

    @classmethod
    def shape(cls) -> "Costs":
        """Return the weights that put compact grids, whole compounds and uncrossed roads first.

        On the benchmark city that takes some 9 % off the border and nearly half off the splits of
        compounds, and leaves 6 of 100 grids more than 10 % from the target that were within it.
        """
        return cls(
            street=0.000003,
            main_road=0.00016,
            railway=0.00032,
            river=0.00032,
            compound=0.0125,
            border=0.0001,
            slack=10.0,
        )

    @classmethod
    def between(cls, share: float) -> "Costs":
        """Return weights between the two presets, on a scale of ratios.

        Parameters
        ----------
        share : float
            0 is `balance`, 1 `shape`; 0.5 weighs each term by the geometric mean of both.

        Raises
        ------
        RulesError
            If the share is not from 0 to 1.

        Examples
        --------
        >>> Costs.between(0) == Costs.balance(), Costs.between(1) == Costs.shape()
        (True, True)
        >>> Costs.balance().border < Costs.between(0.5).border < Costs.shape().border
        True
        """
        if not 0 <= share <= 1:
            raise RulesError(f"{share} is no share between the presets; give one from 0 to 1")
        one, two = dataclasses.asdict(cls.balance()), dataclasses.asdict(cls.shape())
        return cls(**{name: one[name] ** (1 - share) * two[name] ** share for name in one})

    @classmethod
    def cut_edges(cls) -> "Costs":
        """Return the weights of political districts: a band that is a must, the least borders.

        The cost of a plan inside the band is the metres of border between grids. With a border of 1
        for every pair that touches, it is the number of pairs that lie in two grids, the cut edges
        that districting plans are compared by (DeFord, Duchin, Solomon 2019; Validi, Buchanan 2022,
        "Political districting to minimize cut edges"). Barriers and compounds do not count.

        Examples
        --------
        >>> Rules.for_grids(4779736, 7, tolerance=0.005, costs=Costs.cut_edges()).band
        (679406, 686233)
        """
        return cls(
            even=0.0,
            outside=1e6,
            street=0.0,
            main_road=0.0,
            railway=0.0,
            river=0.0,
            compound=0.0,
            border=1.0,
            slack=10.0,
        )

    def __post_init__(self) -> None:
        for item in dataclasses.fields(self):
            weight = getattr(self, item.name)
            if not is_number(weight) or not 0 <= weight < float("inf"):
                raise RulesError(f"costs.{item.name} is {weight!r}, not a number from 0 up")


@dataclass(frozen=True)
class Workload:
    """What a grid's work is counted by: a weighted sum of columns of the units.

    Without columns only households are balanced. With some, the workload of grids is balanced
    beside their households, or instead of them.

    Parameters
    ----------
    columns : mapping of str to float
        Column -> what one of it weighs: ``{"households": 1, "elderly_alone": 3, "shops": 0.5}``.
        Columns are those of the units: ``households``, ``buildings``, the counts that a list of
        buildings may have (`gridmap.tables.COUNTS`), and any number that the caller adds.
    target : float, optional
        Workload of a usual grid. By default the mean: as much as there is for the grids that the
        city's households ask for.
    weight : float
        × the imbalance of the workload in the objective, where a household's is 1.
    instead : bool
        Balance the workload only: a grid with more work has fewer households.

    Examples
    --------
    >>> Workload({"households": 1, "shops": -1})
    Traceback (most recent call last):
    gridmap.errors.RulesError: workload.columns.shops is -1, not a number from 0 up
    """

    columns: Mapping[str, float] = field(default_factory=dict, hash=False)
    target: float | None = None
    weight: float = 1.0
    instead: bool = False

    def __post_init__(self) -> None:
        for name, weight in _table(self.columns, "workload.columns").items():
            if not is_number(weight) or not 0 <= weight < float("inf"):
                raise RulesError(f"workload.columns.{name} is {weight}, not a number from 0 up")
        if self.columns and not any(self.columns.values()):
            raise RulesError("workload.columns weigh nothing; give one of them a weight above 0")
        if self.instead and not self.columns:
            raise RulesError("workload.instead needs workload.columns: what is to be balanced?")
        if self.target is not None and not 0 < self.target < float("inf"):
            raise RulesError(f"workload.target is {self.target}, not a number above 0")
        if not 0 < self.weight < float("inf"):
            raise RulesError(f"workload.weight is {self.weight}, not a number above 0")

    @property
    def beside(self) -> bool:
        """Whether the workload is balanced beside the households."""
        return bool(self.columns) and not self.instead


@dataclass(frozen=True)
class EstateSize:
    """How large a grid is in one kind of estate.

    Parameters
    ----------
    low, high : int
        Fewest and most households of a usual grid, both inside.

    Examples
    --------
    >>> EstateSize(200, 300).target
    250.0
    """

    low: int
    high: int

    def __post_init__(self) -> None:
        if not 0 < self.low <= self.high:
            raise RulesError(f"an estate's low {self.low} is not from 1 up to its high {self.high}")

    @property
    def target(self) -> float:
        """Households of a usual grid: the middle of the range."""
        return (self.low + self.high) / 2


@dataclass(frozen=True)
class Estates:
    """How large a grid is where the kind of estate is known, in the order of `ESTATE_TYPES`.

    One constant does not fit all: an estate without property management asks more of a grid worker
    than a managed one, and in villages the ways are long. The defaults are the norm that Sujiatun
    district of Shenyang published (rural: "about 50").
    """

    old_estate: EstateSize = EstateSize(200, 300)  #: 老旧小区, without property management
    managed_estate: EstateSize = EstateSize(300, 500)  #: 物业小区
    rural: EstateSize = EstateSize(30, 70)  #: 农村


@dataclass(frozen=True)
class Staffing:
    """Who may serve a grid, and what it costs, in metres of walking that one would accept instead.

    A grid whose worker changes costs `change`: the change is made where it saves more walking than
    that. `vacant` and `doubled` are so large that neither happens while a free worker may come,
    however far.

    Examples
    --------
    >>> Staffing().limit_of(300), Staffing().limit_of(150), Staffing().limit_of(400)
    (500, 250, 500)
    """

    target_households: int = 300  #: that one worker usually carries (the reference city)
    max_households: int = 500  #: that one worker never exceeds, over all of his grids
    max_grids_per_worker: int = 2  #: adjacent ones of one community, when workers are short
    deputies: int = 1  #: for each grid beside its primary worker
    walk: float = 1.0  #: per metre between the worker's home or office and the grid
    change: float = 500.0  #: for a grid that gets another primary worker than it has
    fairness: float = 1000.0  #: × the squared share by which a load is off the worker's own usual
    outside: float = 10_000.0  #: for a worker who is sent to one community and serves another
    part_time: float = 1000.0  #: for a grid whose primary worker is a part-timer
    doubled: float = 100_000.0  #: for each grid beyond a worker's first
    vacant: float = 1_000_000.0  #: for a grid without a primary worker
    short: float = 500_000.0  #: for a share without a worker of a grid that another one serves
    unserved: float = 20.0  #: for each household of a vacant grid, so that small ones are
    detour: float = 1.3  #: metres walked per metre of straight line where there are no streets
    speed: float = 4.0  #: km/h on foot: 15 minutes are 1,000 m, as in the norm for estates
    handover: int = 5  #: working days that two workers are in a grid together

    def __post_init__(self) -> None:
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            if not 0 <= value < float("inf"):
                raise RulesError(f"{item.name} is {value}, not a number from 0 up")
        if not 1 <= self.target_households <= self.max_households:
            raise RulesError(
                f"target_households {self.target_households} is not from 1 up to max_households "
                f"{self.max_households}"
            )
        if self.max_grids_per_worker not in (1, 2, 3):
            raise RulesError(f"max_grids_per_worker is {self.max_grids_per_worker}, not 1, 2 or 3")
        if self.detour < 1 or self.speed <= 0:
            raise RulesError(f"detour is {self.detour} and speed {self.speed}: 1 or more, above 0")

    def limit_of(self, capacity: float) -> int:
        """Return the most households for a worker who usually carries ``capacity``.

        The usual load and the limit of a part-timer are in the proportion of a full-timer's; nobody
        carries more than `max_households`.
        """
        share = self.max_households / self.target_households
        return min(self.max_households, round(capacity * share))


@dataclass(frozen=True)
class Party:
    """When party members make a branch, a joint branch, a group (支部工作条例, art. 4 and 5).

    A branch's threshold counts full (正式) members, its cap all members, probationary (预备) ones
    too.

    Examples
    --------
    >>> Party(branch_min_full=0)
    Traceback (most recent call last):
    gridmap.errors.RulesError: branch_min_full is 0, not a whole number from 1 up
    """

    branch_min_full: int = 3  #: full members from which a grid has a branch of its own
    branch_max_total: int = 50  #: members of a branch at most; more are divided
    joint_max_units: int = 5  #: grids of a joint branch (联合党支部) at most
    committee_from_full: int = 7  #: full members from which a branch elects a committee
    #: Seats of such a committee: fewest, usual most, absolute most.
    committee_size: tuple[int, int, int] = (3, 5, 7)
    general_branch_from: int = 50  #: members of a community that suggest a general branch (总支)
    party_committee_from: int = 100  #: the same for a party committee (党委)
    group_min: int = 3  #: members of a party group (党小组), one of them full, at least
    group_from_members: int = 20  #: members of a branch from which groups are suggested
    group_size: int = 10  #: members of a suggested group
    across_communities: bool = False  #: members whom no branch of theirs can cover go to another's
    min_members: int = 3  #: answers and public tables hide counts of members below it

    def __post_init__(self) -> None:
        seats = self.committee_size
        if len(seats) != 3 or not 1 <= seats[0] <= seats[1] <= seats[2]:
            raise RulesError(f"committee_size is {list(seats)}, not three numbers in rising order")
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            if item.name in ("committee_size", "across_communities"):
                continue
            if not isinstance(value, int) or value < 1:
                raise RulesError(f"{item.name} is {value}, not a whole number from 1 up")
        if self.branch_min_full > self.branch_max_total:
            raise RulesError(
                f"branch_min_full {self.branch_min_full} is above branch_max_total "
                f"{self.branch_max_total}"
            )


#: Departments that name a liaison (联络员) for each community. The first eight are those that the
#: reference city published; the others complete its fourteen.
DEPARTMENTS = (
    *("供电", "供热", "供水", "燃气", "综合执法", "卫生健康", "公安", "信访"),
    *("住房城建", "市场监管", "民政", "司法", "消防救援", "交通"),
)


@dataclass(frozen=True)
class Rules:
    """Everything that can be set, checked once when it is made.

    Parameters
    ----------
    target : int or float
        Households of a usual grid (the reference city: about 300).
    tolerance : float
        Half the width of the band around the target that counts as balanced; 0.2 is 240 to 360.
    hard_min, hard_max : int
        Limits that a reviewer objects to: 200 is the lower bound published for old estates, 500 the
        size at which one person was found to be overloaded.
    contact : float
        Metres of border below which two units do not join a grid (they touch at a corner only).
    near_border : float
        Metres within which an answer is called ``border``: a phone's position is no better.
    nearest : float
        Metres outside the territory within which the nearest grid still answers.
    min_cell : int
        Public answers hide counts below it.
    divide_above : int, optional
        A building with more households is divided into its entrances before grids are drawn; 0 is
        never. The default is the upper end of the band, of its kind of estate where that is known
        (`gridmap.targets.building_limits`): a larger building is in no balanced grid as a whole.
    estates : Estates
        Sizes by kind of estate, used where the city says which kind it is.
    costs : Costs
        Weights of the objective.
    workload : Workload
        What is balanced beside households, or instead of them.
    staffing : Staffing
        Limits and weights of who serves a grid.
    party : Party
        Sizes of party branches and groups.
    departments : tuple of str
        Departments that name a liaison for each community.
    visit_bands : tuple of float
        Per cent of a grid's households visited that are full marks, good and fair; less is none.
    incidents : Incidents
        Categories and clocks of incidents.

    Examples
    --------
    >>> Rules(target=300).band
    (240, 360)
    >>> Rules(tolerance=3)
    Traceback (most recent call last):
    gridmap.errors.RulesError: tolerance is 3, not between 0 and 1
    """

    target: float = 300
    tolerance: float = 0.20
    hard_min: int = 200
    hard_max: int = 500
    contact: float = 3.0
    near_border: float = 15.0
    nearest: float = 50.0
    min_cell: int = 5
    divide_above: int | None = None
    estates: Estates = field(default_factory=Estates)
    costs: Costs = field(default_factory=Costs)
    workload: Workload = field(default_factory=Workload)
    staffing: Staffing = field(default_factory=Staffing)
    party: Party = field(default_factory=Party)
    departments: tuple[str, ...] = DEPARTMENTS
    visit_bands: tuple[float, float, float] = (95, 90, 85)
    incidents: Incidents = field(default_factory=Incidents)

    def __post_init__(self) -> None:
        self._check_kinds()
        if not 0 < self.tolerance < 1:
            raise RulesError(f"tolerance is {self.tolerance}, not between 0 and 1")
        if not 1 <= self.target < float("inf"):
            raise RulesError(f"target is {self.target} households, not 1 or more")
        if not 0 <= self.hard_min < self.hard_max:
            raise RulesError(f"hard_min {self.hard_min} is not below hard_max {self.hard_max}")
        for name in ("contact", "near_border", "nearest", "min_cell", "divide_above"):
            if (getattr(self, name) or 0) < 0:
                raise RulesError(f"{name} is {getattr(self, name)}, below 0")
        if not self.departments or len(set(self.departments)) < len(self.departments):
            raise RulesError(
                f"departments is {list(self.departments)}: name each once, one at least"
            )
        if self.workload.beside and self.costs.even == 0:
            raise RulesError(
                "costs.even is 0: where the band of households is a must no workload is balanced "
                "beside them; say workload.instead, or leave it out"
            )
        full, good, fair = self.visit_bands
        if not 0 <= fair <= good <= full <= 100:
            raise RulesError(f"visit_bands is {list(self.visit_bands)}, not falling from 100 to 0")

    def _check_kinds(self) -> None:
        """Refuse a text where a number is asked for, and plain settings where a section is."""
        for item in dataclasses.fields(self):
            value, kind = getattr(self, item.name), item.default_factory
            if is_number(item.default) and not is_number(value):
                raise RulesError(f"{item.name} is {value!r}, not a number")
            if isinstance(kind, type) and not isinstance(value, kind):
                raise RulesError(
                    f"{item.name} is {value!r}, not {kind.__name__}(…); "
                    "Rules.from_dict reads plain settings"
                )

    @property
    def band(self) -> tuple[int, int]:
        """The fewest and most households of a balanced grid, both inside."""
        low, high = band_ends(self.target, self.tolerance)
        return int(low), int(high)

    @classmethod
    def for_grids(
        cls,
        households: int,
        grids: int,
        *,
        tolerance: float = 0.20,
        costs: Costs | None = None,
    ) -> "Rules":
        """Return the rules by which so many households are so many grids of the usual size.

        The target is their mean, whole or not. Where the band is a must (`Costs.cut_edges`) exactly
        ``grids`` are drawn of one connected part of one community, unless a unit above the band
        leaves the others nearer to it in fewer. With other costs one more or one less may cost as
        little: ``partition_units(..., grids=grids)`` asks for the number.

        Raises
        ------
        RulesError
            If there are fewer households than grids, or no grid.

        Examples
        --------
        >>> Rules.for_grids(1000, 3).target, Rules.for_grids(1000, 3).band
        (333.3333333333333, (267, 400))
        """
        if not 1 <= grids <= households:
            raise RulesError(f"{households} households can't be {grids} grids; ask for 1 or more")
        return cls(target=households / grids, tolerance=tolerance, costs=costs or Costs())

    def to_dict(self) -> dict[str, Any]:
        """Return every setting, nested as in the file."""
        return {**dataclasses.asdict(self), "incidents": self.incidents.to_dict()}

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> "Rules":
        """Make rules from nested settings; what is not named keeps its default.

        Raises
        ------
        RulesError
            For a setting that does not exist, or one that is not a number.
        """
        settings = dict(settings)
        costs = _read_costs(settings.pop("costs", {}))
        workload = _read_workload(settings.pop("workload", {}))
        staffing = _section(Staffing, settings.pop("staffing", {}), "staffing")
        estates = _read_estates(settings.pop("estates", {}))
        party = _read_party(settings.pop("party", {}))
        incidents = Incidents.from_dict(settings.pop("incidents", {}))
        lists: dict[str, Any] = {
            name: _read_tuple(settings.pop(name), name, kind, most)
            for name, kind, most in (("departments", str, 0), ("visit_bands", int | float, 3))
            if name in settings
        }
        if settings.get("divide_above", 0) is None:  # as to_dict writes the default
            del settings["divide_above"]
        sections: dict[str, Any] = {"costs": costs, "estates": estates, "staffing": staffing}
        sections |= {"party": party, "incidents": incidents, "workload": workload}
        return replace(_section(cls, settings, ""), **sections, **lists)


def is_number(value: Any) -> bool:
    """Say whether a value is a number, of Python or of numpy, and not true or false."""
    return isinstance(value, Real) and not isinstance(value, bool)


def band_ends(target: Any, tolerance: float) -> tuple[Any, Any]:
    """Return the fewest and most whole households within the tolerance of a target, or of many.

    An end that is a whole number is inside, whatever rounding makes of it.

    Examples
    --------
    >>> [int(end) for end in band_ends(300, 0.2)]
    [240, 360]
    """
    slack = 1e-12 * target
    return np.ceil(target * (1 - tolerance) - slack), np.floor(target * (1 + tolerance) + slack)


def read_rules(path: str | Path) -> Rules:
    """Read rules from a TOML file; what the file does not name keeps its default.

    Raises
    ------
    RulesError
        If the file is not TOML, or names a setting that does not exist.
    """
    try:
        return Rules.from_dict(tomllib.loads(Path(path).read_text(encoding="utf-8-sig")))
    except tomllib.TOMLDecodeError as error:
        raise RulesError(f"{path} is not TOML: {error}") from error


def _read_costs(given: Any) -> Costs:
    """Read the weights of the objective; what is not named is as in the ``preset``."""
    settings = dict(_table(given, "costs"))
    preset = _read_preset(settings.pop("preset", PRESETS[0]))
    return _section(Costs, {**dataclasses.asdict(preset), **settings}, "costs")


def _read_preset(given: Any) -> Costs:
    """Read the name of a preset, or how far from `balance` to `shape` the weights are."""
    if isinstance(given, str) and given in PRESETS:
        return cast(Costs, getattr(Costs, given)())
    if is_number(given) and 0 <= given <= 1:
        return Costs.between(given)
    raise RulesError(
        f"costs.preset is {given!r}, not one of {', '.join(PRESETS)}, or a number from 0 (balance) "
        "to 1 (shape)"
    )


def _read_estates(given: Any) -> Estates:
    """Read ranges by kind of estate; a bound that is not named keeps its default."""
    _refuse_unknown(Estates, given, "estates")
    usual = Estates()
    ranges = {
        name: _read_size(getattr(usual, name), size, f"estates.{name}")
        for name, size in given.items()
    }
    return replace(usual, **ranges)


def _read_size(usual: EstateSize, given: Any, name: str) -> EstateSize:
    return _section(EstateSize, {**dataclasses.asdict(usual), **_table(given, name)}, name)


def _read_workload(given: Any) -> Workload:
    """Read the columns of the workload and what they weigh."""
    settings = dict(_table(given, "workload"))
    columns = dict(_table(settings.pop("columns", {}), "workload.columns"))
    instead = settings.pop("instead", False)
    if not isinstance(instead, bool):
        raise RulesError(f"workload.instead is {instead!r}, not true or false")
    if settings.get("target", 0) is None:  # as to_dict writes the default
        del settings["target"]
    return replace(_section(Workload, settings, "workload"), columns=columns, instead=instead)


def _read_party(given: Any) -> Party:
    """Read the thresholds of branches and groups."""
    settings = dict(_table(given, "party"))
    seats = settings.pop("committee_size", Party.committee_size)
    across = settings.pop("across_communities", Party.across_communities)
    if not isinstance(across, bool):
        raise RulesError(f"party.across_communities is {across!r}, not true or false")
    party = replace(_section(Party, settings, "party"), across_communities=across)
    try:
        return replace(party, committee_size=_read_tuple(seats, "party.committee_size", int, 3))
    except RulesError as error:
        raise RulesError(f"party: {error}") from error


def _read_tuple(given: Any, name: str, kind: Any, length: int) -> tuple[Any, ...]:
    """Read a list of numbers or texts; a length of 0 is any."""
    if (
        not isinstance(given, list | tuple)
        or not all(isinstance(one, kind) and not isinstance(one, bool) for one in given)
        or (length and len(given) != length)
    ):
        what = "texts" if kind is str else f"{length} numbers"
        raise RulesError(f"{name} is {given!r}, not a list of {what}")
    return tuple(given)


def _section(kind: type[T], settings: Any, name: str) -> T:
    """Make settings of numbers."""
    _refuse_unknown(kind, settings, name)
    for setting, value in settings.items():
        if not is_number(value):
            raise RulesError(f"{_path(name, setting)} is {value!r}, not a number")
    try:
        return kind(**settings)
    except RulesError as error:
        raise RulesError(f"{name}: {error}" if name else str(error)) from error


def _refuse_unknown(kind: type[Any], settings: Any, name: str) -> None:
    """Refuse a setting that ``kind`` does not have."""
    known = [item.name for item in dataclasses.fields(kind)]
    for setting in _table(settings, name):
        if setting not in known:
            raise RulesError(f"no setting {_path(name, setting)}; there are {', '.join(known)}")


def _table(settings: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(settings, Mapping):
        raise RulesError(f"{name} is {settings!r}, not settings such as [{name}]")
    return settings


def _path(name: str, setting: str) -> str:
    return f"{name}.{setting}" if name else setting
