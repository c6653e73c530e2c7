"""Which layer is which table of a city, and which column is which: by a mapping, else by names.

A mapping says, for each table, the source layer and where each column comes from::

    [buildings]
    layer = "hdb_blocks"
    building_id = ["blk_no", "street"]    # joined by a space
    households = "total_dwelling_units"
    name = "name|address"                 # the first of them that is filled
    datum = "gcj02"                       # of the layer's degrees

    [[barriers]]                          # a table from several layers
    layer = "railways"
    kind = "=railway"                     # a constant

What the mapping does not name is recognised by its name, English or Chinese. A table mapped to an
empty list is left empty. Further names are added to those that are known, and looked for first::

    [aliases.buildings]
    households = ["常住户"]
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gridmap.datum import DATUMS
from gridmap.errors import TableError
from gridmap.later import later
from gridmap.reading.layers import find_column

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = later("pandas")

ColumnSource = str | Sequence[str]

#: Table -> its columns -> the names that they are recognised by, best first. A column of a name
#: that stands in two places serves both (社区编码 is a community's id and its code).
COLUMN_NAMES: dict[str, dict[str, tuple[str, ...]]] = {
    "communities": {
        "community_id": (
            *("community_id", "社区编码", "社区代码", "社区编号", "统计用区划代码", "code"),
            *("编码", "代码", "adcode", "id", "编号"),
        ),
        "code": ("code", "社区编码", "社区代码", "统计用区划代码", "编码", "代码", "adcode"),
        "name": ("name", "社区名称", "社区", "居委会", "村居名称", "名称", "mc"),
        "street": ("street", "街道", "街道名称", "所属街道", "镇街", "街道办", "subdistrict"),
        "estate_type": ("estate_type", "社区类型", "小区类型"),
    },
    "boundary": {"name": ("name", "名称")},
    "buildings": {
        "building_id": (
            *("building_id", "楼栋编码", "楼栋编号", "建筑编码", "建筑编号", "房屋编码"),
            *("bid", "id", "编号", "编码", "osm_id", "楼号", "楼栋号", "栋号", "幢号", "楼栋"),
        ),
        "households": (
            *("households", "户数", "总户数", "居民户数", "住户数", "家庭户数", "住户总数"),
            *("总住户数", "户数合计", "hushu", "total_dwelling_units", "dwelling_units"),
            *("dwellings", "households_est"),
        ),
        "compound_id": (
            *("compound_id", "小区", "小区名称", "小区名", "楼盘", "楼盘名称", "所属小区"),
            *("住宅小区", "小区编码", "compound", "estate"),
        ),
        "number": (
            *("number", "楼号", "楼栋号", "栋号", "幢号", "楼栋", "楼座", "楼幢号", "座号"),
            *("building_number", "building_no", "blk_no"),
        ),
        "entrance": ("entrance", "单元", "单元号", "单元名称"),
        "community": (
            *("community", "社区", "社区名称", "所属社区", "社区编码", "社区代码", "居委会"),
        ),
        "name": (
            *("name", "楼栋名称", "楼名", "名称", "地址", "楼栋地址", "门牌", "门牌号", "门牌地址"),
            *("楼号", "楼栋号", "栋号", "幢号", "楼栋", "address"),
        ),
        "entrances": ("entrances", "单元数", "单元个数", "单元总数", "number_of_entrances"),
        "part_of": ("part_of",),
        "elderly_alone": ("elderly_alone", "独居老人", "独居老人数", "空巢老人", "空巢独居老人"),
        "shops": ("shops", "商铺", "商铺数", "商户", "商户数", "门店数", "沿街商铺"),
        "disputes": ("disputes", "矛盾纠纷", "矛盾纠纷数", "纠纷数", "矛盾纠纷易发点"),
        "floors": (
            *("floors", "层数", "总层数", "楼层数", "地上层数", "楼层", "总楼层"),
            *("number_of_floors", "building:levels", "levels", "storeys", "max_floor_lvl"),
        ),
        "use": (
            *("use", "用途", "房屋用途", "建筑用途", "使用性质", "房屋性质", "规划用途"),
            *("building", "is_living", "is_residential"),
        ),
    },
    "streets": {
        "street_id": ("street_id", "道路编码", "道路编号", "id", "编号", "osm_id"),
        "kind": (
            *("kind", "highway", "fclass", "道路等级", "道路类型", "等级", "类型", "road_class"),
            *("class", "type"),
        ),
        "name": ("name", "道路名称", "路名", "名称"),
    },
    "barriers": {
        "barrier_id": ("barrier_id", "id", "编号", "osm_id"),
        "kind": ("kind", "类型"),
        "name": ("name", "名称"),
    },
    "zones": {
        "zone_id": ("zone_id", "专属网格编码", "网格编码", "编码", "id", "编号", "osm_id"),
        "kind": ("kind", "类型", "类别", "专属网格类型", "网格类型", "type"),
        "name": ("name", "专属网格名称", "网格名称", "单位名称", "名称"),
    },
    "existing": {
        "grid_code": (
            *("grid_code", "网格编码", "网格代码", "网格编号", "网格号", "code", "编码", "代码"),
            *("id", "编号"),
        ),
        "name": ("name", "网格名称", "网格名", "名称"),
    },
    "compounds": {
        "compound_id": (
            *("compound_id", "小区", "小区名称", "小区名", "楼盘", "楼盘名称", "小区编码"),
            *("compound", "estate", "名称", "name", "id"),
        ),
        "estate_type": ("estate_type", "小区类型", "类型", "类别", "小区性质", "管理类型", "type"),
    },
    "entrances": {
        "building_id": (
            *("building_id", "楼栋编码", "楼栋编号", "建筑编码", "建筑编号", "房屋编码", "bid"),
            *("楼号", "楼栋号", "栋号", "幢号", "楼栋"),
        ),
        "entrance": ("entrance", "单元", "单元号", "单元名称"),
        "households": ("households", "户数", "单元户数", "总户数", "住户数", "居民户数"),
    },
}

#: The tables that may have no geometry in any file.
PLAIN_TABLES = ("compounds", "entrances")

#: Words in a layer's name -> table, and the kind that all of its rows are. Chinese words may stand
#: anywhere in the name, others must be a word of it: osm_roads_2023. The first line that fits.
_LAYER_WORDS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("entrances", "", ("entrances", "entrance", "单元表", "单元户数")),
    ("buildings", "", ("楼栋", "台账")),  # first: 小雨社区楼栋台账 is no layer of communities
    ("zones", "", ("zones", "专属网格")),
    ("existing", "", ("existing", "grids", "网格")),
    ("communities", "", ("communities", "community", "社区", "居委会", "村居", "subzones")),
    ("buildings", "", ("buildings", "building", "楼栋", "建筑", "房屋", "楼房", "住宅楼")),
    ("barriers", "railway", ("railways", "railway", "rail", "铁路")),
    (
        "barriers",
        "river",
        ("water", "waterways", "rivers", "river", "水系", "河流", "河道", "水体"),
    ),
    ("barriers", "", ("barriers", "barrier", "障碍")),
    ("streets", "", ("streets", "street", "roads", "road", "道路", "路网")),
    ("compounds", "", ("compounds", "小区")),  # before: 小区边界 bounds no city
    ("boundary", "", ("boundary", "boundaries", "边界", "辖区", "范围", "outline", "territory")),
)


@dataclass(frozen=True)
class Use:
    """What a layer is used for.

    Parameters
    ----------
    table : str
        A key of `COLUMN_NAMES`.
    layer : str
        Name of the source layer.
    columns : mapping of str to column source
        What the mapping says; the other columns are recognised by name.
    aliases : mapping of str to tuple
        Names that the columns are recognised by beside those of `COLUMN_NAMES`.
    datum : str
        The datum that the mapping names for the layer, or "".
    """

    table: str
    layer: str
    columns: Mapping[str, ColumnSource]
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    datum: str = ""

    @property
    def names(self) -> dict[str, tuple[str, ...]]:
        """The names that each column is recognised by, best first."""
        known = COLUMN_NAMES[self.table]
        return {column: (*self.aliases.get(column, ()), *known[column]) for column in known}


def read_mapping(columns: Mapping[str, Any] | str | Path | None) -> dict[str, list[dict[str, Any]]]:
    """Return a mapping as table -> list of layers' mappings, from a dict or a TOML file.

    Raises
    ------
    TableError
        If the file is missing or no TOML, or a table, column or value is none that a mapping has.
    """
    mapping = {
        table: [given] if isinstance(given, Mapping) else given
        for table, given in _load_columns(columns).items()
        if table != "aliases"
    }
    problems = [text for table, given in mapping.items() for text in _problems(table, given)]
    if problems:
        raise TableError("columns: " + "; ".join(problems))
    return {table: [dict(one) for one in given] for table, given in mapping.items()}


def read_aliases(
    columns: Mapping[str, Any] | str | Path | None,
) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return the names that a mapping adds, as table -> column -> names.

    Raises
    ------
    TableError
        If the file is missing or no TOML, or a table or column does not exist.

    Examples
    --------
    >>> read_aliases({"aliases": {"buildings": {"households": ["常住户"]}}})
    {'buildings': {'households': ('常住户',)}}
    """
    given = _load_columns(columns).get("aliases", {})
    problems = list(_alias_problems(given))
    if problems:
        raise TableError("columns: " + "; ".join(problems))
    return {
        table: {column: tuple(names) for column, names in some.items()}
        for table, some in given.items()
    }


def choose_layers(
    names: Iterable[str],
    mapping: Mapping[str, list[dict[str, Any]]],
    aliases: Mapping[str, Mapping[str, tuple[str, ...]]] | None = None,
) -> list[Use]:
    """Decide which layers make which table.

    Parameters
    ----------
    names : iterable of str
        Names of the layers that there are.
    mapping : mapping
        As `read_mapping` returns it. A layer that it names serves that table only; a table that it
        names is made of those layers only.
    aliases : mapping, optional
        As `read_aliases` returns it.

    Returns
    -------
    list of Use
        In the order of the mapping, then of the layers. A layer that the mapping names and that
        does not exist is in it too.

    Examples
    --------
    >>> [(use.table, use.layer) for use in choose_layers(["社区", "osm_roads", "shops"], {})]
    [('communities', '社区'), ('streets', 'osm_roads')]
    """
    names = list(dict.fromkeys(names))
    named = [given["layer"] for some in mapping.values() for given in some if "layer" in given]
    free = [name for name in names if name not in named]
    uses = []
    for table, some in mapping.items():
        for given in some:
            layers = [given["layer"]] if "layer" in given else _find_layers(table, free)
            columns = {k: value for k, value in given.items() if k not in ("layer", "datum")}
            made = [_make_use(table, layer, columns) for layer in layers]
            uses += [replace(use, datum=given.get("datum", "")) for use in made]
    found = [(name, recognise_layer(name)[0]) for name in free]
    uses += [_make_use(table, name, {}) for name, table in found if table and table not in mapping]
    return [replace(use, aliases=(aliases or {}).get(use.table, {})) for use in uses]


def find_named(mapping: Mapping[str, list[dict[str, Any]]], tables: Sequence[str]) -> list[str]:
    """List the layers that a mapping names for some tables.

    Examples
    --------
    >>> find_named({"entrances": [{"layer": "dy"}], "streets": [{"layer": "roads"}]}, PLAIN_TABLES)
    ['dy']
    """
    given = [each for table in tables for each in mapping.get(table, [])]
    return [each["layer"] for each in given if "layer" in each]


def recognise_layer(name: str) -> tuple[str, str]:
    """Return the table that a layer's name speaks of and the kind of its rows, or empty texts.

    Examples
    --------
    >>> recognise_layer("营口市铁路"), recognise_layer("gis_osm_roads_free_1"), recognise_layer("x")
    (('barriers', 'railway'), ('streets', ''), ('', ''))
    """
    plain = name.strip().casefold()
    parts = set(plain.replace("-", "_").replace(" ", "_").split("_"))
    for table, kind, words in _LAYER_WORDS:
        if any(word in parts or (not word.isascii() and word in plain) for word in words):
            return table, kind
    return "", ""


def find_sources(use: Use, columns: Iterable[Any]) -> dict[str, ColumnSource]:
    """Say where each column of the table comes from: the mapping, else a column's name."""
    columns = list(columns)
    found: dict[str, ColumnSource] = dict(use.columns)
    for column, names in use.names.items():
        source = find_column(columns, names)
        if column not in found and source is not None:
            found[column] = source
    return found


def missing_columns(source: ColumnSource, columns: Iterable[Any]) -> list[str]:
    """List the columns that a source names and the layer does not have."""
    parts = [source] if isinstance(source, str) else source
    named = [name for part in parts if not part.startswith("=") for name in part.split("|")]
    known = set(columns)
    return [name for name in named if name not in known]


def take_column(frame: pd.DataFrame, source: ColumnSource) -> pd.Series:
    """Take a column from a layer: one column, a constant, the first filled one, or several joined.

    Examples
    --------
    >>> frame = pd.DataFrame({"a": ["7", None], "b": ["x", "y"]})
    >>> take_column(frame, "a|b").tolist(), take_column(frame, ["a", "b"]).tolist()
    (['7', 'y'], ['7 x', 'y'])
    """
    if not isinstance(source, str):
        parts = [to_text(take_column(frame, part)).to_numpy(object) for part in source]
        texts = [" ".join(filter(None, row)) for row in zip(*parts, strict=True)]
        return pd.Series(texts, frame.index, dtype="str")
    if source.startswith("="):
        return pd.Series(source[1:], frame.index, dtype="str")
    first, *others = source.split("|")
    values = frame[first]
    for other in others:
        filled = values.notna() & (values.astype(object) != "")
        values = values.where(filled, frame[other])
    return values


def to_text(values: pd.Series) -> pd.Series:
    """Return values as text: trimmed, whole numbers without ".0", missing ones "".

    Examples
    --------
    >>> to_text(pd.Series([12.0, None, 210802003002.0])).tolist()
    ['12', '', '210802003002']
    """
    if pd.api.types.is_float_dtype(values.dtype):
        texts = [f"{value:.0f}" if value % 1 == 0 else str(value) for value in values]
    else:
        texts = [_text_of(value) for value in values]
    return pd.Series(texts, values.index, dtype="str").where(values.notna(), "")


def _text_of(value: Any) -> str:
    if isinstance(value, float) and value % 1 == 0:
        return f"{value:.0f}"
    return str(value).strip()


def _load_columns(columns: Mapping[str, Any] | str | Path | None) -> Mapping[str, Any]:
    return _read_toml(Path(columns)) if isinstance(columns, str | Path) else columns or {}


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise TableError(f"columns: no file {path}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TableError(f"columns: {path} is not TOML in UTF-8: {error}") from error


def _problems(table: str, given: Any) -> Iterable[str]:
    """Name what is wrong in the mapping of one table."""
    if table not in COLUMN_NAMES:
        yield f"no table {table!r}; there are {', '.join(COLUMN_NAMES)}"
        return
    if not isinstance(given, list) or not all(isinstance(one, Mapping) for one in given):
        yield f"{table} is {given!r}, not a mapping or a list of mappings"
        return
    for column, source in ((column, source) for one in given for column, source in one.items()):
        known = ("layer", *COLUMN_NAMES[table], "datum")
        if column not in known:
            yield f"{table} has no column {column!r}; there are {', '.join(known)}"
        elif column == "datum" and source not in DATUMS:
            yield f"{table}.datum is {source!r}; there are {', '.join(DATUMS)}"
        elif not _is_source(source) or (column == "layer" and not isinstance(source, str)):
            yield f"{table}.{column} is {source!r}, not a column, a list of columns or =constant"


def _alias_problems(given: Any) -> Iterable[str]:
    """Name what is wrong in the aliases of a mapping."""
    if not isinstance(given, Mapping) or not all(
        isinstance(some, Mapping) for some in given.values()
    ):
        yield f"aliases is {given!r}, not tables such as [aliases.buildings]"
        return
    for table, column, names in (
        (table, column, names) for table, some in given.items() for column, names in some.items()
    ):
        known = COLUMN_NAMES.get(table, {})
        if column not in known:
            there = f"columns {', '.join(known)}" if known else f"tables {', '.join(COLUMN_NAMES)}"
            yield f"aliases.{table} has no column {column!r}; there are {there}"
        elif not isinstance(names, list | tuple) or not all(
            isinstance(name, str) for name in names
        ):
            yield f"aliases.{table}.{column} is {names!r}, not a list of names"


def _is_source(source: Any) -> bool:
    parts = source if isinstance(source, list | tuple) and source else [source]
    return all(isinstance(part, str) and part for part in parts)


def _find_layers(table: str, names: Iterable[str]) -> list[str]:
    """List the layers whose names speak of ``table``."""
    return [name for name in names if recognise_layer(name)[0] == table]


def _make_use(table: str, layer: str, columns: Mapping[str, ColumnSource]) -> Use:
    """Add the kind that the layer's name tells, unless the mapping gives one."""
    known, kind = recognise_layer(layer)
    told = {"kind": f"={kind}"} if kind and known == table else {}
    return Use(table, layer, {**told, **columns})
