"""Why a branch is as it is, and why a grid is covered or not, in words."""

from collections.abc import Mapping, Sequence

import pandas as pd

from gridmap.staff.branches.attach import Guest
from gridmap.staff.branches.ground import Ground
from gridmap.staff.reasons import Language, write_metres
from gridmap.tables import list_some

#: How many full members live in a grid that can form no branch alone.
_LIVES: dict[Language, str] = {"zh": "{grid}{count}人", "en": "{grid} ({count})"}
#: What is said of branches, grids and groups; names in braces are those of the rules and facts.
_TEXTS: dict[str, dict[Language, str]] = {
    "grid": {
        "zh": "正式党员{full}人、预备党员{young}人：正式党员满{branch_min_full}人，单独成立党支部",
        "en": "{full} full members and {young} probationary: a branch of its own from "
        "{branch_min_full} full members",
    },
    "joint": {
        "zh": "{grids}个网格共有正式党员{full}人、预备党员{young}人；"
        "其中正式党员不足{branch_min_full}人的网格（{told}）不能单独成立；"
        "各网格到会面网格共{extent}",
        "en": "{full} full members and {young} probationary of {grids} grids; fewer than "
        "{branch_min_full} full members live in {told}: no branch alone; {extent} to the grid "
        "that it meets in",
    },
    "large": {
        "zh": "正式党员{full}人、预备党员{young}人；网格党员共{whole}人，超过{branch_max_total}人，"
        "按楼栋分为{parts}个支部",
        "en": "{full} full members and {young} probationary; the grid has {whole} members, more "
        "than {branch_max_total}: {parts} branches by building",
    },
    "room": {
        "zh": "正式党员{full}人、预备党员{young}人；为接收相邻网格而按楼栋分为{parts}个支部",
        "en": "{full} full members and {young} probationary; the grid is divided to make room for "
        "a neighbour: {parts} branches by building",
    },
    "over_cap": {
        "zh": "；超过上限{branch_max_total}人，按楼栋也分不开",
        "en": "; above the cap of {branch_max_total}, and no division by building keeps it",
    },
    "committee": {
        "zh": "；正式党员满{committee_from_full}人，设支部委员会，"
        "委员{fewest}至{usual}人、最多{most}人",
        "en": "; a committee of {fewest} to {usual}, at most {most}",
    },
    "guests": {
        "zh": "；其中{count}人来自{told}",
        "en": "; {count} of them live in {told}, which can form no branch",
    },
    "own": {"zh": "正式党员{full}人：{branches}", "en": "{full} full members: {branches}"},
    "joined": {
        "zh": "正式党员{full}人，不足{branch_min_full}人：与{others}合为{branch}",
        "en": "{full} full members, fewer than {branch_min_full}: joined with {others} in {branch}",
    },
    "nobody_joined": {
        "zh": "没有正式党员：与{others}合为{branch}",
        "en": "nobody is a full member here: joined with {others} in {branch}",
    },
    "host": {
        "zh": "正式党员{full}人：接收{others}",
        "en": "{full} full members: takes in {others}",
    },
    "attached": {
        "zh": "正式党员{full}人，本社区已无可合的支部：{how}编入{branch}，相距{metres}",
        "en": "{full} full members, and no branch of the community could be joined: {how} in "
        "{branch}, {metres} away",
    },
    "too_many": {
        "zh": "党员{total}人，其中正式党员{full}人：合建则超过{branch_max_total}人，"
        "分建则正式党员不足",
        "en": "{total} members, but {full} of them full: too many for a joint branch, too few full "
        "ones for a division",
    },
    "too_few": {
        "zh": "全社区正式党员{all_full}人，不足{branch_min_full}人，不能成立党支部",
        "en": "its whole community has {all_full} full members; {branch_min_full} are needed",
    },
    "no_set": {
        "zh": "正式党员{full}人、党员共{total}人：合建会使别的网格落空，"
        "或超过{joint_max_units}个网格、{branch_max_total}人，或正式党员仍不足{branch_min_full}人",
        "en": "{full} full members, {total} members: a joint branch that takes it in leaves "
        "another grid out, or has more than {joint_max_units} grids, more than {branch_max_total} "
        "members or fewer than {branch_min_full} full ones",
    },
    "offer": {
        "zh": "；如上级同意跨社区（across_communities），可{how}编入{branch}，相距{metres}",
        "en": "; if the rules allow another community's (across_communities), they could go {how} "
        "to {branch}, {metres} away",
    },
    "as_group": {"zh": "以党小组（{size}人）", "en": "as a party group of {size}"},
    "as_members": {"zh": "将党员（{size}人）", "en": "as {size} members"},
    "as_nobody": {"zh": "将网格（暂无党员）", "en": "without members"},
    "vacant_busy": {
        "zh": "；书记空缺：{who}已任另一支部书记",
        "en": "; no secretary: {who} leads another branch",
    },
    "vacant_young": {
        "zh": "；书记空缺：网格长{who}是预备党员，不能任书记",
        "en": "; no secretary: the grid's leader {who} is a probationary member",
    },
    "vacant_outside": {
        "zh": "；书记空缺：网格长{who}不是党员",
        "en": "; no secretary: the grid's leader {who} is no member",
    },
    "vacant": {
        "zh": "；书记空缺：网格没有网格长",
        "en": "; no secretary: the grid has no leader",
    },
    "uncovered": {
        "zh": "网格{code}没有支部覆盖：{why}",
        "en": "grid {code} is in no branch: {why}",
    },
    "above": {
        "zh": "支部{branch}有党员{size}人：{why}",
        "en": "branch {branch} has {size} members: {why}",
    },
    "apart": {
        "zh": "联合党支部{branch}的网格不相邻：更近的支部都没有余额",
        "en": "the grids of joint branch {branch} do not touch: nothing nearer has room",
    },
    "group_grid": {
        "zh": "联合党支部中正式党员不足{branch_min_full}人的网格，"
        "党员满{group_min}人且有正式党员，设党小组",
        "en": "fewer than {branch_min_full} full members live in this grid of a joint branch: with "
        "{group_min} members, one of them full, they are a group",
    },
    "group_host": {
        "zh": "联合党支部中的网格，党员单独编组",
        "en": "a grid of a joint branch, a group of its own in it",
    },
    "group_suggested": {
        "zh": "支部党员满{group_from_members}人，建议按楼栋约{group_size}人一组",
        "en": "a branch of {group_from_members} members and more: groups of about {group_size} by "
        "building are suggested",
    },
    "group_attached": {
        "zh": "本社区不能成立或合建支部，编入最近且有余额的支部，相距{metres}",
        "en": "no branch of its community could be formed or joined: with the nearest that has "
        "room, {metres} away",
    },
}


def say(ground: Ground, text: str, **facts: object) -> str:
    """Write one of the texts, with the limits of the rules and some facts."""
    fewest, usual, most = ground.party.committee_size
    seats = {"fewest": fewest, "usual": usual, "most": most}
    return _TEXTS[text][ground.lang].format(**{**vars(ground.party), **seats, **facts})


def list_names(ground: Ground, names: Sequence[str]) -> str:
    """Write some names in a row, the first five if there are many."""
    if ground.lang == "en":
        return list_some(names)
    more = f"等{len(names)}个" if len(names) > 5 else ""
    return "、".join(names[:5]) + more


def explain(
    ground: Ground,
    codes: list[str],
    kind: str,
    full: int,
    young: int,
    divided: Mapping[str, list[str]],
    extent: float,
    guests: Sequence[Guest] = (),
) -> str:
    """Say why a branch is as it is."""
    facts: dict[str, object] = {"full": full, "young": young, "grids": len(codes)}
    if kind == "joint":
        weak = {code: _count_full(ground, code) for code in sorted(codes)}
        told = [
            _LIVES[ground.lang].format(grid=ground.plan.grids.at[code, "name"], count=count)
            for code, count in weak.items()
            if count < ground.party.branch_min_full
        ]
        facts |= {"told": list_names(ground, told), "extent": write_metres(extent, ground.lang)}
        text = say(ground, "joint", **facts)
    elif kind == "divided":
        whole = int(ground.by_grid.loc[codes[0]].to_numpy().sum())
        large = "large" if whole > ground.party.branch_max_total else "room"
        text = say(ground, large, **facts, whole=whole, parts=len(divided[codes[0]]))
    else:
        text = say(ground, "grid", **facts)
    if guests:
        count = sum(guest.full + guest.young for guest in guests)
        told = [code for guest in guests for code in guest.codes]
        text += say(ground, "guests", count=count, told=list_names(ground, told))
    if full + young > ground.party.branch_max_total:
        text += say(ground, "over_cap")
    if full >= ground.party.committee_from_full:
        text += say(ground, "committee")
    return text


def _count_full(ground: Ground, code: str) -> int:
    return int(ground.by_grid["full"].to_numpy()[ground.by_grid.index.get_loc(code)])


def say_covered(ground: Ground, code: str, full: int, mine: list[str], spread: pd.Series) -> str:
    """Say what covers a grid."""
    others = sorted({other for name in mine for other in spread[name]} - {code})
    facts = {"full": full, "others": list_names(ground, others)}
    if not others:
        return say(ground, "own", full=full, branches=list_names(ground, mine))
    if full >= ground.party.branch_min_full:
        return say(ground, "host", **facts)
    return say(ground, "joined" if full else "nobody_joined", **facts, branch=mine[0])


def say_attached(ground: Ground, code: str, guest: Guest) -> str:
    """Say which branch the members of a grid go to that can form none."""
    return say(
        ground,
        "attached",
        full=_count_full(ground, code),
        how=_say_how(ground, guest),
        branch=guest.branch,
        metres=write_metres(guest.metres, ground.lang),
    )


def say_uncovered(ground: Ground, code: str, offer: Guest | None) -> str:
    """Say which rule stands against every branch that could cover a grid, and what would help."""
    party, grids = ground.party, ground.plan.grids
    here = grids.index[grids["community_id"] == grids.at[code, "community_id"]]
    full, total = _count_full(ground, code), int(ground.by_grid.loc[code].to_numpy().sum())
    all_full = int(ground.by_grid.loc[here, "full"].sum())
    if total > party.branch_max_total:
        rule = "too_many"
    else:
        rule = "too_few" if all_full < party.branch_min_full else "no_set"
    text = say(ground, rule, full=full, total=total, all_full=all_full)
    if offer is None:
        return text
    metres = write_metres(offer.metres, ground.lang)
    how = _say_how(ground, offer)
    return text + say(ground, "offer", how=how, branch=offer.branch, metres=metres)


def _say_how(ground: Ground, guest: Guest) -> str:
    size = guest.full + guest.young
    how = "as_group" if guest.grouped else "as_members" if size else "as_nobody"
    return say(ground, how, size=size)
