"""Settings of incidents: categories, clocks, who is told when, duplicates, photos, retention."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta, timezone
from itertools import pairwise
from typing import Any

from gridmap.errors import RulesError

#: What is to be done after the report, in order: each has a breach time.
DUTIES = ("inspect", "resolve", "answer", "accept")
CLOCKS = ("wall", "working")
ANCHORS = ("report", "stage")
#: Who is told of a breach, in order: 网格员 → 社区 → 街道 → 区.
LEVELS = ("worker", "community", "street", "district")


@dataclass(frozen=True)
class Category:
    """One kind of incident; what is None is as the `Incidents` that it belongs to say.

    Parameters
    ----------
    department : str
        The department that answers for it.
    english : str
        What the English pages call it.
    clock : str, optional
        ``wall`` or ``working``.
    inspect, resolve, answer, accept : float, optional
        Hours of its clock.
    duplicate_radius, duplicate_hours : float, optional
        Metres and hours within which a case of the category may be the same one; 0 suggests none.
    """

    department: str
    english: str = ""
    clock: str | None = None
    inspect: float | None = None
    resolve: float | None = None
    answer: float | None = None
    accept: float | None = None
    duplicate_radius: float | None = None
    duplicate_hours: float | None = None


#: The classes of city management events and components, of public security, and of services.
CATEGORIES: Mapping[str, Category] = {
    "市容环境": Category("综合执法", "Street cleanliness"),
    "宣传广告": Category("综合执法", "Signs and adverts"),
    "施工管理": Category("住房城建", "Building works"),
    "街面秩序": Category("综合执法", "Street order"),
    "突发事件": Category("消防救援", "Emergencies"),
    "公用设施": Category("住房城建", "Public facilities"),
    "道路交通": Category("交通", "Roads and traffic"),
    "园林绿化": Category("住房城建", "Parks and trees"),
    "安全隐患": Category("消防救援", "Safety hazards"),
    "矛盾纠纷": Category("司法", "Disputes"),
    "社会治安": Category("公安", "Public security"),
    "民生诉求": Category("民政", "Livelihood"),
    "供水": Category("供水", "Water"),
    "供电": Category("供电", "Power"),
    "供热": Category("供热", "Heating"),
    "燃气": Category("燃气", "Gas"),
}


@dataclass(frozen=True)
class Incidents:
    """How incidents are handled; the clocks are those of the reference city.

    Parameters
    ----------
    clock : str
        ``wall``: all hours count; ``working``: those of `hours` on working days.
    anchor : str
        ``report``: every breach time counts from the report; ``stage``: what a stage adds to the
        one before begins when that one is done.
    inspect, resolve, answer, accept : float
        Hours from the report.
    hours : tuple of (str, str)
        Working time of a day, spans in order.
    utc_offset : float
        Hours by which the city's clocks are ahead of UTC.
    holidays, workdays : tuple of str
        Days (ISO) that overrule the calendar package; a year that it does not know yet counts as
        known when one of its days is named here.
    remind : tuple of float
        Hours before a breach at which the grid worker is reminded.
    escalate : tuple of float
        Hours after it from which worker, community, street and district are told.
    extensions : tuple of float
        Hours that community, street and district may grant in one extension.
    duplicate_radius, duplicate_hours : float
        Metres and hours within which two cases of a category may be the same.
    disagreement : float
        Metres between a point and its address from which the case is flagged.
    photo_bytes : int
        Largest photo that is taken.
    reporter_days : int
        Days after the end of a case for which the reporter's data is kept.
    categories : mapping of str to Category
        What incidents there are, by name.

    Examples
    --------
    >>> Incidents().hours_of("市容环境")
    {'inspect': 3, 'resolve': 24, 'answer': 36, 'accept': 48}
    >>> Incidents(resolve=2)
    Traceback (most recent call last):
    gridmap.errors.RulesError: incidents: resolve is 2 h, before inspect at 3 h
    """

    clock: str = "wall"
    anchor: str = "report"
    inspect: float = 3
    resolve: float = 24
    answer: float = 36
    accept: float = 48
    hours: tuple[tuple[str, str], ...] = (("08:30", "12:00"), ("13:30", "18:00"))
    utc_offset: float = 8
    holidays: tuple[str, ...] = ()
    workdays: tuple[str, ...] = ()
    remind: tuple[float, ...] = (1,)
    escalate: tuple[float, ...] = (0, 2, 6, 12)
    extensions: tuple[float, ...] = (24, 72, 360)
    duplicate_radius: float = 50
    duplicate_hours: float = 72
    disagreement: float = 100
    photo_bytes: int = 10_000_000
    reporter_days: int = 180
    categories: Mapping[str, Category] = field(default_factory=lambda: dict(CATEGORIES))

    def __post_init__(self) -> None:
        _check_word("clock", self.clock, CLOCKS)
        _check_word("anchor", self.anchor, ANCHORS)
        _check_numbers(self)
        _check_hours(self.hours)
        for day in (*self.holidays, *self.workdays):
            _read_day(day)
        if len(self.escalate) != len(LEVELS) or list(self.escalate) != sorted(self.escalate):
            raise RulesError(f"incidents: escalate is {list(self.escalate)}, not 4 rising numbers")
        if len(self.extensions) != 3:
            raise RulesError(f"incidents: extensions is {list(self.extensions)}, not 3 numbers")
        if not self.categories:
            raise RulesError("incidents: no category; name one at least")
        for name, category in self.categories.items():
            _check_word(f"categories.{name}.clock", category.clock, (None, *CLOCKS))
            _check_rising(self.hours_of(name))

    def clock_of(self, category: str) -> str:
        """Return the clock of a category."""
        return self.categories[category].clock or self.clock

    def hours_of(self, category: str) -> dict[str, float]:
        """Return the hours of each duty in a category, from the report."""
        own = self.categories[category]
        return {duty: _first(getattr(own, duty), getattr(self, duty)) for duty in DUTIES}

    def duplicates_of(self, category: str) -> tuple[float, float]:
        """Return the metres and hours within which cases of a category may be the same."""
        own = self.categories[category]
        return (
            _first(own.duplicate_radius, self.duplicate_radius),
            _first(own.duplicate_hours, self.duplicate_hours),
        )

    @property
    def zone(self) -> timezone:
        """The city's time zone."""
        return timezone(timedelta(hours=self.utc_offset))

    @property
    def day_hours(self) -> float:
        """Working hours of a day."""
        return sum(_minutes(end) - _minutes(start) for start, end in self.hours) / 60

    def to_dict(self) -> dict[str, Any]:
        """Return every setting, nested as in the file."""
        return {**dataclasses.asdict(self), "only": list(self.categories)}

    @classmethod
    def from_dict(cls, given: Any) -> "Incidents":
        """Make them from nested settings; what is not named keeps its default.

        A span of a category may be days, ``"2d"``: working days on a working clock. Categories
        that are named are added to the usual ones; ``only = [names]`` keeps those alone.
        """
        settings = dict(_table(given, "incidents"))
        _refuse_unknown(cls, {key: value for key, value in settings.items() if key != "only"}, "")
        only, named = settings.pop("only", None), _table(settings.pop("categories", {}), "c")
        settings = {key: _freeze(value) for key, value in settings.items()}
        plain = cls(**{**settings, "categories": {"-": Category("-")}})
        categories = dict(CATEGORIES) | {
            name: _read_category(plain, name, value, CATEGORIES.get(name))
            for name, value in named.items()
        }
        if only is not None:
            _refuse_strangers(only, categories)
            categories = {name: categories[name] for name in only}
        return dataclasses.replace(plain, categories=categories)


def _read_category(plain: Incidents, name: str, given: Any, usual: Category | None) -> Category:
    settings = dict(_table(given, f"incidents.categories.{name}"))
    _refuse_unknown(Category, settings, f"categories.{name}.")
    clock = settings.get("clock") or plain.clock
    for duty in DUTIES:
        if isinstance(settings.get(duty), str):
            settings[duty] = _read_span(
                settings[duty], plain.day_hours if clock == "working" else 24
            )
    if usual is None and "department" not in settings:
        raise RulesError(f"incidents.categories.{name} has no department")
    return dataclasses.replace(usual or Category(""), **settings)


def _read_span(text: str, day: float) -> float:
    """Return hours of a text such as 4h or 2d."""
    try:
        return float(text[:-1]) * {"h": 1, "d": day}[text[-1:]]
    except (KeyError, ValueError) as error:
        raise RulesError(f"incidents: {text!r} is no span; write 4h or 2d") from error


def _refuse_strangers(only: Any, categories: Mapping[str, Category]) -> None:
    strangers = [name for name in only if name not in categories]
    if strangers:
        raise RulesError(f"incidents.only names {', '.join(strangers)}, which is no category")


def _check_word(name: str, value: Any, allowed: tuple[Any, ...]) -> None:
    if value not in allowed:
        words = ", ".join(str(word) for word in allowed if word)
        raise RulesError(f"incidents: {name} is {value!r}; choose {words}")


def _check_numbers(settings: Incidents) -> None:
    """Refuse what is not a number from 0 up."""
    for item in dataclasses.fields(settings):
        values = getattr(settings, item.name)
        if item.name in ("remind", "escalate", "extensions"):
            pass
        elif item.type not in (float, int) or item.name == "utc_offset":
            continue
        else:
            values = (values,)
        for value in values:
            if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
                raise RulesError(f"incidents: {item.name} is {value!r}, not a number from 0 up")


def _check_rising(hours: Mapping[str, float]) -> None:
    for before, after in pairwise(DUTIES):
        if hours[after] < hours[before]:
            raise RulesError(
                f"incidents: {after} is {hours[after]} h, before {before} at {hours[before]} h"
            )


def _check_hours(spans: Any) -> None:
    """Refuse working hours that are none, or not in order."""
    ends = [_minutes(moment) for span in spans for moment in span]
    if not ends or len(ends) != 2 * len(spans) or any(a >= b for a, b in pairwise(ends)):
        raise RulesError(f"incidents: hours is {spans!r}, not spans in order such as 08:30, 12:00")


def _minutes(text: Any) -> int:
    try:
        moment = time.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise RulesError(f"incidents: {text!r} is no time of day such as 08:30") from error
    return 60 * moment.hour + moment.minute


def _read_day(text: Any) -> date:
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise RulesError(f"incidents: {text!r} is no day such as 2027-01-01") from error


def _refuse_unknown(kind: type[Any], settings: Mapping[str, Any], path: str) -> None:
    known = [item.name for item in dataclasses.fields(kind)]
    for name in settings:
        if name not in known:
            raise RulesError(f"no setting incidents.{path}{name}; there are {', '.join(known)}")


def _table(given: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise RulesError(f"{name} is {given!r}, not settings such as [{name}]")
    return given


def _freeze(value: Any) -> Any:
    """Return lists as tuples."""
    return tuple(_freeze(one) for one in value) if isinstance(value, list | tuple) else value


def _first(own: float | None, usual: float) -> float:
    return usual if own is None else own
