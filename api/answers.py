"""The answers to a place and to many; that to one, `api.models.LocateAnswer`, as texts of JSON.

Making and writing a model takes longer than finding the grid. Tests hold these texts to the model.
"""

import math

from api.access import Caller, Role
from api.models import Hint
from api.problems import ProblemError
from api.shelf import InForce, ServedPlan
from gridmap.datum import DATUMS, place_to_wgs84
from gridmap.errors import TableError
from gridmap.locate import Owner

#: Points of a batch: of the public and of a worker, and of whoever has another key.
MOST_POINTS, MOST_WITH_KEY = 10_000, 1_000_000
_NOBODY = '{"grid_code":null,"name":null,"community":null,"street":null,"households":null,"match":"'


def answer_place(in_force: InForce, lon: float, lat: float, datum: str) -> bytes:
    """Return the answer to a place: the grid that owns it and how surely, as JSON.

    Raises
    ------
    DatumError
        If the place is not on Earth, or there is no such datum.
    """
    plan = in_force.plan
    owner = plan.locator.locate(lon, lat, datum=datum)
    hint = find_hint(owner, plan)
    place = put_on_map(lon, lat, datum)
    head = plan.heads[owner.grid_code] if owner.grid_code else _NOBODY
    runner = plan.refs[owner.runner_up] if owner.runner_up else "null"
    return (
        f'{head}{owner.match}","border_m":{_write_metres(owner.border_m)},'
        f'"distance_m":{_write_metres(owner.distance_m)},"runner_up":{runner},'
        f'"hint":{hint.model_dump_json() if hint else "null"},'
        f'"place":{_write_place(place) if place else "null"},'
        f'"plan":{plan.quoted},"as_of":"{in_force.as_of}"}}'
    ).encode()


def answer_batch(
    in_force: InForce, body: bytes, kind: str, datum: str | None, caller: Caller
) -> bytes:
    """Return the answers to a batch of points, of the kind that was sent.

    Raises
    ------
    ProblemError
        If the batch can't be read, or has more points than the caller may send.
    DatumError
        If there is no such datum, or not one for all points.
    """
    about = {"plan": in_force.plan.name, "as_of": in_force.as_of.isoformat()}
    most = MOST_POINTS if caller.role < Role.VIEWER else MOST_WITH_KEY
    try:
        return in_force.plan.batches.answer(body, kind, datum=datum, most=most, about=about)
    except TableError as error:
        raise ProblemError(422, "bad-batch", str(error)) from error


def put_on_map(lon: float, lat: float, datum: str) -> tuple[float, float] | None:
    """Return where a map shows a place, in WGS-84; None where it is not on Earth as it stands."""
    if abs(lon) > 180 or abs(lat) > 90:
        return None
    lon, lat = place_to_wgs84(lon, lat, datum)
    return round(lon, 7), round(lat, 7)


def find_hint(owner: Owner, plan: ServedPlan) -> Hint | None:
    """Say what to ask about a place near a border, or what may be wrong with one outside."""
    if owner.match == "border":
        text = f"{owner.border_m:.1f} m from the border of the grid: ask on which side."
        return Hint(code="border", text=text)
    if owner.match == "nearest":
        text = f"{owner.distance_m:.1f} m outside the territory: this is the nearest grid."
        return Hint(code="nearest", text=text)
    if owner.match == "none":
        return _suspect(owner, plan)
    return None


def tell_metres(metres: float) -> float | None:
    """Round a distance as it is told; None where there is none."""
    return round(metres, 1) if math.isfinite(metres) else None


def _suspect(owner: Owner, plan: ServedPlan) -> Hint:
    """Say what the locator suspects of a place that is in no grid."""
    if owner.suspect == "swapped":
        return Hint(code="swapped", text="Longitude and latitude look exchanged.")
    if owner.suspect in DATUMS:
        text = f"It would lie in a grid if its datum was {owner.suspect}."
        return Hint(code="datum", text=text, datum=owner.suspect)
    return Hint(code="outside", text=f"No grid within {plan.rules.nearest:g} m.")


def _write_place(place: tuple[float, float]) -> str:
    lon, lat = place
    return f'{{"lon":{lon},"lat":{lat}}}'


def _write_metres(metres: float) -> str:
    told = tell_metres(metres)
    return "null" if told is None else repr(told)
