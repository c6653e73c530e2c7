"""The map of stations, and of the homes that reach none in time."""

import numpy as np

from gridmap.maps import PlanMap
from gridmap.plan import Plan
from gridmap.staff.reasons import Language
from gridmap.staff.stations import Siting
from gridmap.staff_maps.drawing import Words, draw_dots, map_below

#: Homes out of reach, stations that were there, new ones.
_COLORS = ("#d1495b", "#6b7785", "#0b57d0")
_PLACES: tuple[Words, ...] = (
    ("未覆盖住户", "homes out of reach"),
    ("已有驿站", "existing station"),
    ("新选驿站", "new station"),
)


def map_stations(plan: Plan, siting: Siting, *, lang: Language = "zh") -> PlanMap:
    """Draw stations, and the homes that reach none in time, larger with more households."""
    kinds = zip(_COLORS, _PLACES, strict=True)
    page = map_below(plan, ("驿站覆盖", "Reach of stations"), list(kinds), lang)
    out, unit = (("未覆盖住户：", "户"), ("homes out of reach: ", " households"))[lang == "en"]
    homes = siting.uncovered
    texts = [f"{out}{count}{unit}" for count in homes["households"]]
    radii = 2 + np.sqrt(homes["households"]) / 2
    draw_dots(page, homes.geometry, radii, _COLORS[0], texts, opacity=0.7, rim=0)
    for existing, color in zip((True, False), _COLORS[1:], strict=True):
        some = siting.stations[siting.stations["existing"] == existing]
        colon = ": " if lang == "en" else "："
        texts = [
            f"{name or number}{colon}{count}{unit}"
            for number, name, count in zip(
                some.index, some["name"], some["households"], strict=True
            )
        ]
        draw_dots(page, some.geometry, [9] * len(some), color, texts, opacity=1, rim=2)
    return page
