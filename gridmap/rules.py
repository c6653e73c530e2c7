"""Settings: sizes, costs, distances. Defaults: the reference city and published rules."""

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from gridmap.errors import RulesError

T = TypeVar("T")


@dataclass(frozen=True)
class Costs:
    """What a plan pays for beside balance, in units of a squared relative deviation.

    A grid that is 10 % off its target costs 0.01 by balance alone; each weight says how much
    imbalance one would accept to be rid of one such thing. Balance comes first by default, which is
    the preset `balance`; `shape` is the other end. Any weights between them are a mixture of both.

    Examples
    --------
    >>> Costs.balance() == Costs()
    True
    >>> round(Costs.shape().border / Costs.balance().border, 1)
    5.2
    """

    outside: float = 25.0  #: × the squared deviation beyond the tolerance
    street: float = 0.00005  #: per pair of units that touch along a street inside a grid
    main_road: float = 0.003  #: the same along a main road
    railway: float = 0.006  #: the same along a railway
    river: float = 0.006  #: the same along a river
    compound: float = 0.001  #: for each grid that a compound is spread over beyond its need
    border: float = 0.00002  #: per metre of border between grids of one community
    moved: float = 0.0003  #: per household that leaves its grid in a redraw

    @classmethod
    def balance(cls) -> "Costs":
        """Return the weights that put even households first: the defaults."""
        return cls()

    @classmethod
    def shape(cls) -> "Costs":
        """Return the weights that put compact grids, whole compounds and uncrossed roads first.

        On the benchmark city that takes some 9 % off the border and a third off the splits of
        compounds, and leaves 6 of 100 grids more than 10 % from the target that were within it.
        """
        return cls(
            street=0.000063,
            main_road=0.0038,
            railway=0.0076,
            river=0.0076,
            compound=0.0145,
            border=0.000104,
        )

    def __post_init__(self) -> None:
        for item in dataclasses.fields(self):
            weight = getattr(self, item.name)
            if not 0 <= weight < float("inf"):
                raise RulesError(f"costs.{item.name} is {weight}, not a number from 0 up")


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
    min_members: int = 3  #: answers and public tables hide counts of members below it

    def __post_init__(self) -> None:
        seats = self.committee_size
        if len(seats) != 3 or not 1 <= seats[0] <= seats[1] <= seats[2]:
            raise RulesError(f"committee_size is {list(seats)}, not three numbers in rising order")
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            if item.name != "committee_size" and (not isinstance(value, int) or value < 1):
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
    target : int
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
    party : Party
        Sizes of party branches and groups.
    departments : tuple of str
        Departments that name a liaison for each community.
    visit_bands : tuple of float
        Per cent of a grid's households visited that are full marks, good and fair; less is none.

    Examples
    --------
    >>> Rules(target=300).band
    (240, 360)
    >>> Rules(tolerance=3)
    Traceback (most recent call last):
    gridmap.errors.RulesError: tolerance is 3, not between 0 and 1
    """

    target: int = 300
    tolerance: float = 0.20
    hard_min: int = 200
    hard_max: int = 500
    contact: float = 3.0
    near_border: float = 10.0
    nearest: float = 50.0
    min_cell: int = 5
    divide_above: int | None = None
    estates: Estates = field(default_factory=Estates)
    costs: Costs = field(default_factory=Costs)
    party: Party = field(default_factory=Party)
    departments: tuple[str, ...] = DEPARTMENTS
    visit_bands: tuple[float, float, float] = (95, 90, 85)

    def __post_init__(self) -> None:
        if not 0 < self.tolerance < 1:
            raise RulesError(f"tolerance is {self.tolerance}, not between 0 and 1")
        if not self.target >= 1:
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
        full, good, fair = self.visit_bands
        if not 0 <= fair <= good <= full <= 100:
            raise RulesError(f"visit_bands is {list(self.visit_bands)}, not falling from 100 to 0")

    @property
    def band(self) -> tuple[int, int]:
        """The fewest and most households of a balanced grid, both inside."""
        return round(self.target * (1 - self.tolerance)), round(self.target * (1 + self.tolerance))

    def to_dict(self) -> dict[str, Any]:
        """Return every setting, nested as in the file."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> "Rules":
        """Make rules from nested settings; what is not named keeps its default.

        Raises
        ------
        RulesError
            For a setting that does not exist, or one that is not a number.
        """
        settings = dict(settings)
        costs = _section(Costs, settings.pop("costs", {}), "costs")
        estates = _read_estates(settings.pop("estates", {}))
        party = _read_party(settings.pop("party", {}))
        lists = {
            name: _read_tuple(settings.pop(name), name, kind, most)
            for name, kind, most in (("departments", str, 0), ("visit_bands", int | float, 3))
            if name in settings
        }
        if settings.get("divide_above", 0) is None:  # as to_dict writes the default
            del settings["divide_above"]
        given: dict[str, Any] = {"costs": costs, "estates": estates, "party": party, **lists}
        return replace(_section(cls, settings, ""), **given)


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


def _read_party(given: Any) -> Party:
    """Read the thresholds of branches and groups."""
    settings = dict(_table(given, "party"))
    seats = settings.pop("committee_size", Party.committee_size)
    party = _section(Party, settings, "party")
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
        if isinstance(value, bool) or not isinstance(value, int | float):
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
