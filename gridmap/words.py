"""What columns are called where people read them: on maps, in print, in Excel, in other programs.

A column that is not named here (a client's own) keeps its name.
"""

from gridmap.errors import GridmapError

#: Languages of what is made for people; Chinese is the default everywhere.
LANGUAGES = ("zh", "en")
#: Column -> Chinese and English name.
_COLUMNS = {
    "grid_code": ("网格编码", "Grid code"),
    "name": ("名称", "Name"),
    "grid_type": ("类型", "Type"),
    "street": ("街道", "Street office"),
    "community": ("社区", "Community"),
    "community_id": ("社区编码", "Community code"),
    "households": ("户数", "Households"),
    "target": ("目标户数", "Target"),
    "deviation": ("偏差", "Deviation"),
    "buildings": ("楼栋数", "Buildings"),
    "area": ("面积", "Area"),
    "perimeter": ("周长", "Perimeter"),
    "compactness": ("紧凑度", "Compactness"),
    "worker": ("网格员", "Grid worker"),
    "workers": ("网格员", "Grid workers"),
    "worker_id": ("网格员编号", "Worker no."),
    "leader": ("网格长", "Grid leader"),
    "role": ("岗位", "Role"),
    "duty": ("职责", "Duty"),
    "phone": ("电话", "Phone"),
    "branch": ("党支部", "Party branch"),
    "branch_id": ("党支部编号", "Branch no."),
    "branch_name": ("党支部", "Party branch"),
    "secretary": ("支部书记", "Branch secretary"),
    "party_members": ("党员数", "Party members"),
    "station": ("驿站", "Station"),
    "change": ("变化", "Change"),
    "gained": ("划入户数", "Gained"),
    "lost": ("划出户数", "Lost"),
    "old": ("原网格", "Old grid"),
    "new": ("新网格", "New grid"),
    "before": ("调整前户数", "Before"),
    "after": ("调整后户数", "After"),
    "relation": ("去向", "Relation"),
    "deputy_of": ("代管网格", "Deputy of"),
    "retired": ("撤销网格数", "Retired grids"),
    "over": ("超上限", "Over the limit"),
    "members": ("涉及党员数", "Members"),
    "reason": ("理由", "Reason"),
    "grid": ("网格", "Grid"),
    "grids": ("负责网格", "Grids"),
    "kind": ("类别", "Kind"),
    "home_unit": ("派出单位", "Home unit"),
    "starts": ("到岗日期", "From"),
    "ends": ("离岗日期", "To"),
    "load": ("承担户数", "Load"),
    "capacity": ("常规户数", "Usual load"),
    "limit": ("户数上限", "Limit"),
    "walk": ("步行（米）", "Walk (m)"),
    "deputies": ("代管人", "Deputies"),
    "others": ("其余分担人", "Other shares"),
    "station_id": ("驿站编号", "Station no."),
    "building_id": ("楼栋编码", "Building no."),
    "full": ("正式党员", "Full members"),
    "probationary": ("预备党员", "Probationary"),
    "total": ("党员合计", "Members in all"),
    "committee": ("支委会", "Committee"),
    "groups": ("党小组数", "Party groups"),
    "covered_grids": ("覆盖网格", "Grids covered"),
    "grids_in_all": ("网格数", "Grids"),
    "covered": ("已覆盖网格", "Covered grids"),
    "branches": ("党支部数", "Branches"),
    "joint": ("其中联合支部", "Of them joint"),
    "suggested": ("建议设置", "Suggested"),
    "group_id": ("党小组编号", "Group no."),
    "group": ("党小组", "Party group"),
    "department": ("部门", "Department"),
    "post": ("岗位", "Post"),
    "liaison": ("联络员", "Liaison"),
    "contact_id": ("编号", "No."),
    "contact": ("领导（岗位）或单位", "Leader or unit"),
    "matched_to": ("结对对象", "Matched to"),
    "target_name": ("联系点", "Contact point"),
    "leaders": ("联系领导数", "Leaders"),
    "leaders_named": ("联系领导", "Leaders' posts"),
    "units": ("共建单位数", "Units"),
    "units_named": ("共建单位", "Units' names"),
}
#: The same of what is only printed (rounds, calendars, what to put right). Offices have columns
#: of these names in rosters of their own, so nothing is read by them.
_PRINTED = {
    "day": ("第几天", "Day"),
    "order": ("次序", "Order"),
    "stops": ("走访点数", "Stops"),
    "spent": ("用时（分钟）", "Minutes"),
    "arrive": ("出发后（分钟）", "Minutes after setting out"),
    "minutes": ("停留（分钟）", "Stay (minutes)"),
    "note": ("备注", "Note"),
    "done": ("完成", "Done"),
    "days": ("天数", "Days"),
    "existing": ("已有", "Existing"),
    "farthest": ("最远步行（米）", "Farthest walk (m)"),
    "entries": ("登记人数", "Entries"),
    "problem": ("问题", "Problem"),
    "named": ("已明确", "Named"),
    "missing": ("待补正", "To be put right"),
    "level": ("层级", "Level"),
    "distance": ("距离（公里）", "Distance (km)"),
    "need": ("需求度", "Need"),
    "visits": ("走访次数", "Visits"),
    "visited": ("已走访户数", "Households visited"),
    "coverage": ("覆盖率（%）", "Coverage (%)"),
    "state": ("进度", "State"),
    "short": ("落后户数", "Households behind"),
    "late": ("落后网格数", "Grids behind"),
    "last": ("最近走访", "Last visit"),
    "task": ("任务", "Task"),
    "amount": ("数量", "Amount"),
    "helpers": ("结对数", "Leaders and units"),
    "worker_key": ("密钥", "Key"),
}
#: The same for amounts in a table, where the unit stands in the header.
_WITH_UNIT = {
    "deviation": ("偏差（%）", "Deviation (%)"),
    "area": ("面积（㎡）", "Area (m²)"),
    "perimeter": ("周长（米）", "Perimeter (m)"),
}
_GRID_TYPES = {"base": ("基础网格", "base"), "exclusive": ("专属网格", "exclusive")}


def check_language(lang: str) -> None:
    """Refuse a language that nothing is written in."""
    if lang not in LANGUAGES:
        raise GridmapError(f"lang is {lang!r}; choose 'zh' or 'en'")


def name_column(column: str, lang: str) -> str:
    """Return what people call a column.

    Examples
    --------
    >>> name_column("households", "zh"), name_column("households", "en"), name_column("备注", "en")
    ('户数', 'Households', '备注')
    """
    names = _COLUMNS.get(column) or _PRINTED.get(column)
    return names[LANGUAGES.index(lang)] if names else column


def name_header(column: str, lang: str) -> str:
    """Return what a column is called at the head of a table, with its unit.

    Examples
    --------
    >>> name_header("area", "zh"), name_header("households", "zh")
    ('面积（㎡）', '户数')
    """
    names = _WITH_UNIT.get(column)
    return names[LANGUAGES.index(lang)] if names else name_column(column, lang)


def name_grid_type(grid_type: str, lang: str) -> str:
    """Return what people call a kind of grid.

    Examples
    --------
    >>> name_grid_type("exclusive", "zh")
    '专属网格'
    """
    return _GRID_TYPES[grid_type][LANGUAGES.index(lang)]


def find_columns(word: str) -> list[str]:
    """Return the columns that people call ``word``, in any language; the column itself is one.

    Examples
    --------
    >>> find_columns("网格编码"), find_columns("grid_code"), find_columns("党支部")
    (['grid_code'], ['grid_code'], ['branch', 'branch_name'])

    What is only printed is not read: a client's own remarks keep their name.

    >>> name_column("note", "zh"), find_columns("备注")
    ('备注', [])
    """
    return [
        column
        for column, names in _COLUMNS.items()
        if word in (column, *names, *_WITH_UNIT.get(column, ()))
    ]


def write_deviation(deviation: float) -> str:
    """Write a deviation in whole per cent with its sign.

    Examples
    --------
    >>> write_deviation(0.2), write_deviation(-0.034), write_deviation(0.004)
    ('+20%', '−3%', '±0%')
    """
    percent = round(100 * deviation)
    sign = "±" if percent == 0 else "+" if percent > 0 else "−"
    return f"{sign}{abs(percent)}%"
