"""Why a grid has the worker that it has: what decided it, who is next, what that would cost."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from gridmap.staff.case import Case
from gridmap.staff.deputies import AGAIN, Deputies
from gridmap.staff.exchanges import find_exchanges

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Language = Literal["zh", "en"]


class Choice(NamedTuple):
    """What was chosen: each grid's worker (-1: vacant), each worker's load, and what else costs.

    ``extra[w, g]``: by how many metres the whole would be worse with worker w in grid g, at least;
    infinite where he may not be.
    """

    primary: Ints
    load: Ints
    extra: Floats


class Reason(NamedTuple):
    """A duty as positions of grid and worker (-1: nobody), and why it is so."""

    grid: int
    worker: int
    role: str
    binding: str
    rival: int
    extra: float
    text: str


#: What decided it, in words. Names in braces: see `_words`.
_TEXTS: dict[str, dict[Language, str]] = {
    "nearest": {
        "zh": "可用人员中步行最近",
        "en": "nearest of all who are there",
    },
    "continuity": {
        "zh": "沿用原网格员；{near}更近（{near_walk}），但换人代价更高",
        "en": "stays; {near} is nearer ({near_walk}), but not by as much as a change counts",
    },
    "community": {
        "zh": "{near}更近（{near_walk}），但属{near_home}，不跨社区",
        "en": "{near} is nearer ({near_walk}) but belongs to {near_home} and stays there",
    },
    "limit": {
        "zh": "{near}更近（{near_walk}），但其上限{near_limit}户，不足{households}户",
        "en": "{near} is nearer ({near_walk}) but carries {near_limit} households at most, not "
        "{households}",
    },
    "elsewhere": {
        "zh": "{near}更近（{near_walk}），但{near_duty}",
        "en": "{near} is nearer ({near_walk}) but {near_duty}",
    },
    "doubled": {
        "zh": "人手不足，一人兼管相邻{count}个网格，共{load}户（上限{limit}户）",
        "en": "short of workers: one for {count} adjacent grids of {load} households together "
        "(limit {limit})",
    },
    "shortage": {
        "zh": "空缺：可用{workers}人，岗位{posts}个；能到此的{able}人都已有岗位，"
        "再兼管会超过户数上限，或网格不相邻",
        "en": "vacant: {workers} workers for {posts} posts; all {able} who may serve it have "
        "one, and taking this too would break a limit or is not adjacent",
    },
    "short": {
        "zh": "空缺：这一份{households}户无人，可用{workers}人均有岗位；其余{rest}户由{others}负责",
        "en": "vacant: nobody for these {households} households, all {workers} workers have a "
        "post; {others} has the other {rest} of the grid",
    },
    "nobody": {
        "zh": "空缺：没有可到本社区的人员",
        "en": "vacant: nobody there may serve this community",
    },
    "spare": {
        "zh": "未分到网格，作备岗",
        "en": "has no grid of his own",
    },
    "neighbour": {
        "zh": "负责本社区{own_grid}，代管不计入户数",
        "en": "serves {own_grid} of the same community; standing in is not counted in his load",
    },
}
#: What stands before the reason of a share.
_SHARE: dict[Language, str] = {
    "zh": "本网格{whole}户，超过一人上限，由{shares}人分担，此为第{share}份{households}户；",
    "en": "the grid has {whole} households, more than one may carry, and is shared by {shares}: "
    "this is share {share} of {households}; ",
}
#: The next best choice and its price; see `gridmap.staff.exchanges`.
_NEXT: dict[str, dict[Language, str]] = {
    "swap": {
        "zh": "；次优是与{rival}（{own}）对调，其步行{rival_walk}，总代价{more}",
        "en": "; next best {rival} ({rival_walk}), in exchange for {own}: {more}",
    },
    "free": {
        "zh": "；次优是空闲的{rival}，步行{rival_walk}，总代价{more}",
        "en": "; next best {rival} ({rival_walk}), who is free: {more}",
    },
    "leave": {
        "zh": "；若调{rival}来此，{own}就空缺，总代价{more}",
        "en": "; with {rival} here, {own} would be vacant: {more}",
    },
    "bound": {
        "zh": "；次优{rival}（{rival_walk}），须连锁调整，总代价至少{more}",
        "en": "; next best {rival} ({rival_walk}), with others moved too, {more} or more",
    },
    "unsure": {
        "zh": "；次优{rival}，步行{rival_walk}，须连锁调整，总代价或许相同",
        "en": "; next best {rival} ({rival_walk}), with others moved too: maybe as good",
    },
    "instead": {
        "zh": "；次优{rival}，步行{rival_walk}，总代价{more}",
        "en": "; next best {rival} ({rival_walk}): {more}",
    },
    "again": {
        "zh": "；次优{rival}，但其已代管别处",
        "en": "; next best {rival}, who stands in elsewhere already",
    },
    "alone": {"zh": "；没有其他可选人员", "en": "; nobody else may"},
}
#: Why somebody who is nearer is not better for the whole.
_DEARER: dict[str, dict[Language, str]] = {
    "serves": {
        "zh": "在{grids}总体更优",
        "en": "serves {grids}, which is better for the whole",
    },
    "sent": {
        "zh": "派往{home}，跨社区计{outside:,.0f}米",
        "en": "is sent to {home}, and another community counts {outside:,.0f} m",
    },
    "part_time": {
        "zh": "是兼职，另计{part_time:,.0f}米",
        "en": "is a part-timer, which counts {part_time:,.0f} m",
    },
    "load": {
        "zh": "通常承担{capacity}户，与{households}户相差较多",
        "en": "usually carries {capacity} households, which is far from {households}",
    },
}
_NO_DEPUTY: dict[Language, str] = {
    "zh": "本社区没有其他人员可代管",
    "en": "nobody else in the community could stand in",
}


class _Facts(NamedTuple):
    """What the texts may name, looked up once; of each post its grid's name."""

    grids: list[str]
    households: list[int]
    shares: list[tuple[int, int]]  # this is share k of n
    whole: list[int]  # households of the grid
    others: list[list[int]]  # who has the other shares
    workers: list[str]
    limits: list[int]
    homes: list[str]
    served: list[list[int]]  # the posts of each worker
    able: list[int]  # how many may serve each post


def explain_primaries(case: Case, choice: Choice, lang: Language) -> Iterator[Reason]:
    """Yield one reason for each post, in their order."""
    facts = _look_up(case, choice)
    next_best = find_exchanges(case, choice.primary, choice.extra)
    walk = np.where(np.isnan(case.walk), np.inf, case.walk)
    nearest = walk.argmin(axis=0) if len(walk) else np.full(len(choice.primary), -1)
    for grid, worker in enumerate(choice.primary.tolist()):
        near, rival = int(nearest[grid]), int(next_best.rival[grid])
        if worker < 0:
            binding = _name_vacancy(facts, grid)
        else:
            binding = _name_binding(case, facts, grid, worker, near)
        extra = float(next_best.extra[grid])
        words = _words(case, facts, grid, worker, near, lang)
        text = _TEXTS[binding][lang].format(**words)
        how = _name_exchange(facts, worker, rival, bool(next_best.exact[grid]), extra)
        text += _write_next(case, facts, grid, rival, extra, how, lang)
        if facts.shares[grid][1] > 1:
            text = _SHARE[lang].format(**words) + text
            binding = "shared" if worker >= 0 else binding
        yield Reason(grid, worker, "primary", binding, rival, extra, text)


def explain_deputies(
    case: Case, choice: Choice, deputies: Deputies, lang: Language
) -> Iterator[Reason]:
    """Yield one reason for each deputy that was asked for."""
    facts = _look_up(case, choice)
    comma = "、" if lang == "zh" else ", "
    for grid, ranks in enumerate(zip(*(some.tolist() for some in deputies), strict=True)):
        for worker, rival, extra in zip(*ranks, strict=True):
            own = facts.served[worker] if worker >= 0 else []
            binding = "nobody" if worker < 0 else "neighbour" if own else "spare"
            told = comma.join(facts.grids[at] for at in own)
            text = _TEXTS[binding][lang].format(own_grid=told)
            text = text if worker >= 0 else _NO_DEPUTY[lang]
            if rival >= 0:
                how = "again" if extra >= AGAIN / 2 else "instead"
                text += _write_next(case, facts, grid, rival, extra, how, lang)
            yield Reason(grid, worker, "deputy", binding, rival, extra, text)


def _look_up(case: Case, choice: Choice) -> _Facts:
    workers, posts = case.workers, case.posts
    names = case.plan.city.communities["name"].to_dict()
    served: list[list[int]] = [[] for _ in range(len(workers))]
    for grid, worker in enumerate(choice.primary.tolist()):
        if worker >= 0:
            served[worker].append(grid)
    labels = zip(workers["name"], workers.index, strict=True)
    holders: dict[int, list[int]] = {}
    of, shares = posts["grid"].tolist(), posts["shares"].tolist()
    for post, worker in enumerate(choice.primary.tolist()):
        if worker >= 0 and shares[post] > 1:
            holders.setdefault(of[post], []).append(worker)
    return _Facts(
        posts["name"].tolist(),
        posts["households"].tolist(),
        list(zip(posts["share"].tolist(), shares, strict=True)),
        case.plan.grids["households"].iloc[posts["grid"]].tolist(),
        [holders.get(grid, []) for grid in of],
        [f"{name}（{code}）" if name else str(code) for name, code in labels],
        workers["limit"].tolist(),
        [str(names.get(code, code)) for code in workers["community_id"]],
        served,
        case.open_to.sum(axis=0).tolist(),
    )


def _name_exchange(facts: _Facts, worker: int, rival: int, exact: bool, extra: float) -> str:
    """Say what the next best choice is, if there is any."""
    if rival < 0:
        return "alone" if worker >= 0 else ""
    if worker < 0:
        return "leave" if exact else ""
    if not exact:
        return "bound" if extra >= 1 else "unsure"
    return "swap" if facts.served[rival] else "free"


def _name_vacancy(facts: _Facts, grid: int) -> str:
    if facts.others[grid]:
        return "short"
    return "shortage" if facts.able[grid] else "nobody"


def _name_binding(case: Case, facts: _Facts, grid: int, worker: int, near: int) -> str:
    """Say what kept the nearest worker out, or that nothing did."""
    if len(facts.served[worker]) > 1:
        return "doubled"
    if near == worker or not case.walk[near, grid] < case.walk[worker, grid]:
        return "nearest"  # or nobody's position is known
    if not case.open_to[near, grid]:
        return "limit" if facts.households[grid] > facts.limits[near] else "community"
    own, other = case.cost[worker, grid], case.cost[near, grid]
    stays = case.own[grid] == worker
    if stays and other >= own > other - case.weights.change:
        return "continuity"
    return "elsewhere"


def _words(
    case: Case, facts: _Facts, grid: int, worker: int, near: int, lang: Language
) -> dict[str, object]:
    """Return what the texts may name."""
    words: dict[str, object] = {
        "households": facts.households[grid],
        "workers": len(facts.workers),
        "posts": len(facts.grids),
        "able": facts.able[grid],
        "share": facts.shares[grid][0],
        "shares": facts.shares[grid][1],
        "whole": facts.whole[grid],
        "others": ("、" if lang == "zh" else ", ").join(
            facts.workers[one] for one in facts.others[grid]
        ),
        "rest": facts.whole[grid] - facts.households[grid],
    }
    if near >= 0:
        words |= {
            "near": facts.workers[near],
            "near_walk": write_metres(float(case.walk[near, grid]), lang),
            "near_home": facts.homes[near],
            "near_limit": facts.limits[near],
            "near_duty": _tell_duty(case, facts, grid, near, lang),
        }
    if worker >= 0:
        load = sum(facts.households[at] for at in facts.served[worker])
        words |= {"count": len(facts.served[worker]), "load": load, "limit": facts.limits[worker]}
    return words


def _tell_duty(case: Case, facts: _Facts, grid: int, worker: int, lang: Language) -> str:
    """Say where a worker who is nearer serves instead, or what he would cost that distance not."""
    names = [facts.grids[at] for at in facts.served[worker]]
    if names:
        told = ("、" if lang == "zh" else ", ").join(names)
        return _DEARER["serves"][lang].format(grids=told)
    part_time = case.workers["kind"].iloc[worker] == "part_time"
    why = "part_time" if part_time else "load" if case.home[worker, grid] else "sent"
    return _DEARER[why][lang].format(
        home=facts.homes[worker],
        outside=case.weights.outside,
        part_time=case.weights.part_time,
        households=facts.households[grid],
        capacity=case.workers["capacity"].iloc[worker],
    )


def _write_next(
    case: Case, facts: _Facts, grid: int, rival: int, extra: float, how: str, lang: Language
) -> str:
    """Name the next best worker and what he would cost."""
    if not how:
        return ""
    words = {}
    if rival >= 0:
        words = {
            "rival": facts.workers[rival],
            "rival_walk": write_metres(float(case.walk[rival, grid]), lang),
            "own": ("、" if lang == "zh" else ", ").join(
                facts.grids[at] for at in facts.served[rival]
            ),
            "more": write_more(extra, lang),
        }
    return _NEXT[how][lang].format(**words)


def write_more(extra: float, lang: Language) -> str:
    """Write what a choice costs more, in metres of walking that count as much."""
    if extra < 1:
        return "相同" if lang == "zh" else "as good for the whole"
    return f"多{extra:,.0f}米" if lang == "zh" else f"{extra:,.0f} m worse for the whole"


def write_metres(metres: float, lang: Language) -> str:
    """Write metres for a reader; NaN is a distance that is not known."""
    if np.isnan(metres):
        return "距离不详" if lang == "zh" else "distance unknown"
    return f"{metres:,.0f}米" if lang == "zh" else f"{metres:,.0f} m"
