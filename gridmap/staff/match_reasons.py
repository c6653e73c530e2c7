"""Why a contact is matched to a target: how far, how needy, what is against the next best."""

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from gridmap.staff.reasons import Language
from gridmap.tables import CONTACT_MATCHES, cast_columns

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_TEXTS: dict[str, dict[Language, str]] = {
    "facts": {
        "zh": "{far}，需求度{need:.2f}（{total}个中第{rank}位）",
        "en": "{far}, need {need:.2f} (number {rank} of {total})",
    },
    "far": {"zh": "距离{km:.2f}公里", "en": "{km:.2f} km"},
    "nowhere": {"zh": "位置不明", "en": "no position"},
    "only": {"zh": "；范围内别无其他", "en": "; nothing else in its scope"},
    "next": {
        "zh": "；次优{other}，代价多{extra:.2f}",
        "en": "; next best {other}, {extra:.2f} more",
    },
    "full": {
        "zh": "；{other}代价少{better:.2f}，但已由另外{share}个结对，为均衡未再安排",
        "en": "; {other} would be {better:.2f} better, and has its share of {share} from others",
    },
    "community": {
        "zh": "范围“{scope}”内的社区已全部结对，无可再配",
        "en": "no community left whose code begins with {scope!r}",
    },
    "branch": {
        "zh": "范围“{scope}”内的党支部已全部结对，无可再配",
        "en": "no branch left whose community's code begins with {scope!r}",
    },
}


@dataclass(frozen=True)
class Matching:
    """What was chosen for some contacts, and what from.

    Parameters
    ----------
    contacts : DataFrame
        `CONTACTS`.
    targets : GeoDataFrame
        Index: ids; ``name`` and ``need``.
    target : str
        ``community`` or ``branch``.
    apart, cost : array of float, contacts × targets
        km, NaN where unknown; what each pair costs, infinite where it is not allowed.
    chosen : list of list of int
        The targets of each contact.
    """

    contacts: pd.DataFrame
    targets: gpd.GeoDataFrame
    target: str
    apart: Floats
    cost: Floats
    chosen: list[list[int]]


def explain_matches(matching: Matching, lang: Language) -> pd.DataFrame:
    """Write each pair with the next best target, what that would cost, and why it is not that.

    Returns
    -------
    DataFrame
        `CONTACT_MATCHES`.
    """
    total = len(matching.targets)
    shares = np.bincount([at for some in matching.chosen for at in some], minlength=total)
    order = np.zeros(total, np.int64)
    rows: list[dict[str, Any]] = []
    for contact, some in enumerate(matching.chosen):
        rival = _find_rival(matching.cost[contact], some)
        for at in some:
            order[at] += 1
            row = _write_match(matching, contact, at, rival) | {"rank": int(order[at])}
            rows.append(row | {"reason": _say_match(matching, contact, at, rival, shares, lang)})
        missing = int(matching.contacts["points"].iloc[contact]) - len(some)
        rows += [_write_unmatched(matching, contact, lang) for _ in range(missing)]
    frame = pd.DataFrame(rows, columns=list(CONTACT_MATCHES.columns))
    return cast_columns(frame, CONTACT_MATCHES)


def _find_rival(cost: Floats, some: list[int]) -> int:
    """Return the cheapest target that a contact was not given, -1 where there is none."""
    order = np.argsort(cost, kind="stable").tolist()
    return next((at for at in order if at not in some and np.isfinite(cost[at])), -1)


def _write_match(matching: Matching, contact: int, at: int, rival: int) -> dict[str, Any]:
    targets, cost = matching.targets, matching.cost[contact]
    return {
        "contact_id": str(matching.contacts.index[contact]),
        "target": matching.target,
        "target_id": str(targets.index[at]),
        "distance": float(matching.apart[contact, at]),
        "need": float(targets["need"].iloc[at]),
        "cost": float(cost[at]),
        "rival_id": "" if rival < 0 else str(targets.index[rival]),
        "extra": float(cost[rival] - cost[at]) if rival >= 0 else float("nan"),
    }


def _write_unmatched(matching: Matching, contact: int, lang: Language) -> dict[str, Any]:
    nothing = dict.fromkeys(("distance", "need", "cost", "extra"), float("nan"))
    scope = matching.contacts["scope"].iloc[contact]
    return {
        "contact_id": str(matching.contacts.index[contact]),
        "target": matching.target,
        "reason": _TEXTS[matching.target][lang].format(scope=scope),
        **{"target_id": "", "rank": 0, "rival_id": ""},
        **nothing,
    }


def _say_match(
    matching: Matching, contact: int, at: int, rival: int, shares: Ints, lang: Language
) -> str:
    """Say how far, how needy, and what stands against the next best."""
    told = {name: texts[lang] for name, texts in _TEXTS.items()}
    km, need = float(matching.apart[contact, at]), matching.targets["need"].to_numpy()
    facts = told["facts"].format(
        far=told["nowhere"] if np.isnan(km) else told["far"].format(km=km),
        need=need[at],
        rank=int((need > need[at]).sum()) + 1,
        total=len(need),
    )
    if rival < 0:
        return facts + told["only"]
    other = matching.targets["name"].iloc[rival] or matching.targets.index[rival]
    extra = float(matching.cost[contact, rival] - matching.cost[contact, at])
    if extra >= 0:
        return facts + told["next"].format(other=other, extra=extra)
    return facts + told["full"].format(other=other, better=-extra, share=shares[rival])
