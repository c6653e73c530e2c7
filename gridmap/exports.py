"""Plans for other programs: GeoPackage, GeoParquet, FlatGeobuf, Shapefile, GeoJSON and Excel.

What stays in the house (`export_plan`) and what may leave it (`export_public`) are two verbs: the
first writes every table with every count, the second whole grids without small counts. Each file is
whole or not there, and the same plan gives the same bytes.
"""

import zipfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError

from gridmap.compare import PlanComparison
from gridmap.errors import StoreError, TableError
from gridmap.files import fixed_date, write_whole
from gridmap.geojson import describe_grids, frame_features
from gridmap.plan import Plan
from gridmap.rosters import make_roster, write_sheet
from gridmap.tables import list_some
from gridmap.words import LANGUAGES, check_language, name_column, name_grid_type
from gridmap.workbooks import write_book

#: The tables that can be exported, with what their layer is called.
LAYERS = {
    "grids": ("网格", "grids"),
    "units": ("单元", "units"),
    "communities": ("社区", "communities"),
    "buildings": ("楼栋", "buildings"),
    "streets": ("道路", "streets"),
    "barriers": ("铁路河流", "barriers"),
}
#: The sheets of a comparison.
_SHEETS = {
    "grids": ("变更网格", "changed grids"),
    "matrix": ("户数去向", "households by grid"),
    "workers": ("网格员", "workers"),
    "branches": ("党支部", "branches"),
}
#: What is said of a grid in a comparison.
_CHANGES = {"changed": "调整", "new": "新设", "retired": "撤销"}
#: Encodings of a Shapefile: every program, and older Chinese ones.
ENCODINGS = ("UTF-8", "GBK")
#: Column -> field of a Shapefile in Chinese and English: 10 bytes at most, Chinese has 3 a letter.
_FIELDS = {
    "grid_code": ("编码", "grid_code"),
    "name": ("名称", "name"),
    "grid_type": ("类型", "grid_type"),
    "street": ("街道", "street"),
    "community": ("社区", "community"),
    "community_id": ("社区码", "comm_id"),
    "households": ("户数", "households"),
    "target": ("目标", "target"),
    "deviation": ("偏差", "deviation"),
    "buildings": ("楼栋数", "buildings"),
    "area": ("面积", "area_m2"),
    "perimeter": ("周长", "perim_m"),
    "unit_id": ("单元号", "unit_id"),
    "block_id": ("街区号", "block_id"),
    "building_id": ("楼栋号", "bldg_id"),
    "compound_id": ("小区", "compound"),
    "zone_id": ("专属区", "zone_id"),
    "part_of": ("所属楼", "part_of"),
    "estimated": ("估算", "estimated"),
    "entrances": ("单元数", "entrances"),
    "estate_type": ("小区类", "estate"),
    "floors": ("层数", "floors"),
    "code": ("代码", "code"),
    "kind": ("种类", "kind"),
    "street_id": ("道路号", "street_id"),
    "barrier_id": ("线号", "barrier_id"),
}
_LONGEST_FIELD, _LONGEST_TEXT = 10, 254
#: What other programs lay beside a Shapefile, and what describes another one after an export.
_STALE = (".qix", ".sbn", ".sbx", ".qpj")
_GDAL = (DataSourceError, DataLayerError, UnicodeEncodeError)


def export_plan(
    plan: Plan,
    path: str | Path,
    *,
    layer: str | None = None,
    lang: str = "en",
    encoding: str = "UTF-8",
) -> None:
    """Write a plan for internal use, with every count.

    Parameters
    ----------
    plan : Plan
        The plan.
    path : path
        ``.gpkg``, ``.parquet`` (GeoParquet), ``.fgb`` (FlatGeobuf), ``.shp``, ``.zip`` (a Shapefile
        in one file), ``.geojson``, ``.xlsx`` or ``.csv`` (without shapes; see `write_roster`).
        GeoJSON is in WGS-84, the others in the plan's own system. FlatGeobuf puts its rows in the
        order of their places.
    layer : str, optional
        One of `LAYERS`. By default a GeoPackage has all of them and any other file the grids.
    lang : {"en", "zh"}
        Names of the columns: gridmap's own, or Chinese ones. A Shapefile's have 10 bytes at most;
        ``NAME.fields.csv`` beside it says which column each field is.
    encoding : {"UTF-8", "GBK"}
        Of a Shapefile, named in its .cpg; GBK for programs that don't read that.

    Raises
    ------
    TableError
        If suffix, layer or encoding is none of these, or a text does not fit a Shapefile.
    StoreError
        If GDAL can't write the file. Whatever was at ``path`` before is still there then.
    """
    check_language(lang)
    tables = {name: _make_table(plan, name) for name in _choose_layers(path, layer)}
    _write_tables(tables, path, lang, encoding)


def export_public(
    plan: Plan, path: str | Path, *, lang: str = "en", encoding: str = "UTF-8"
) -> None:
    """Write what may leave the house: whole grids, without counts below ``plan.rules.min_cell``.

    No unit, no building and no count of buildings is in it. A map of it needs an approval number
    (审图号) before it is published.

    Parameters
    ----------
    plan : Plan
        The plan.
    path, lang, encoding
        As for `export_plan`.

    Raises
    ------
    TableError, StoreError
        As for `export_plan`.
    """
    check_language(lang)
    _choose_layers(path, "grids")
    _write_tables({"grids": _make_public(plan)}, path, lang, encoding)


def write_comparison(comparison: PlanComparison, path: str | Path, *, lang: str = "zh") -> None:
    """Write what changes between two plans as a workbook; for internal use.

    Parameters
    ----------
    comparison : PlanComparison
        As `gridmap.compare_plans` gives it.
    path : path
        ``.xlsx``: a sheet of the grids that change, one of the households by old and new grid, and
        the workers and branches affected where staff was given. Codes are text.
    lang : {"zh", "en"}
        Of the headers and sheets.

    Raises
    ------
    TableError
        If the suffix is another.
    """
    check_language(lang)
    if Path(path).suffix.lower() != ".xlsx":
        raise TableError(f"{Path(path).name}: a comparison is an .xlsx file")
    changed, matrix = comparison.list_changed(), comparison.matrix
    if lang == "zh":
        changed = changed.assign(change=changed["change"].map(_CHANGES))
    touched = matrix["old"].isin(changed.index) | matrix["new"].isin(changed.index)
    tables = {"grids": changed.reset_index(), "matrix": matrix[touched]}
    for name, table in (("workers", comparison.workers), ("branches", comparison.branches)):
        if len(table):
            tables[name] = table.reset_index()
    with write_whole(path) as draft:
        write_book(
            {_SHEETS[name][lang == "en"]: table for name, table in tables.items()}, draft, lang
        )


def _choose_layers(path: str | Path, layer: str | None) -> list[str]:
    suffix = Path(path).suffix.lower()
    if suffix not in _WRITERS:
        raise TableError(
            f"{Path(path).name} ends in {suffix or 'nothing'}; use {', '.join(_WRITERS)}"
        )
    if layer is not None and layer not in LAYERS:
        raise TableError(f"no layer {layer!r}; there are {', '.join(LAYERS)}")
    if layer is None:
        return list(LAYERS) if suffix == ".gpkg" else ["grids"]
    return [layer]


def _make_table(plan: Plan, layer: str) -> gpd.GeoDataFrame:
    """Return a table of the plan, its key as the first column."""
    if layer == "grids":
        roster = make_roster(plan).assign(community_id=plan.grids["community_id"])
        frame = plan.grids[["geometry"]].join(roster)
    else:
        frame = plan.units if layer == "units" else getattr(plan.city, layer)
    return _key_first(frame)


def _make_public(plan: Plan) -> gpd.GeoDataFrame:
    told = pd.DataFrame.from_dict(
        describe_grids(plan, min_cell=plan.rules.min_cell), orient="index"
    ).drop(columns=["label", "community_id"])
    told = told.astype({"households": "Int64", "deviation": "float64"})
    return _key_first(plan.grids[["geometry"]].join(told))


def _key_first(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    flat = frame.reset_index()
    return flat[[*flat.columns.drop("geometry"), "geometry"]]


def _write_tables(
    tables: dict[str, gpd.GeoDataFrame], path: str | Path, lang: str, encoding: str
) -> None:
    if encoding.upper() not in ENCODINGS:
        raise TableError(f"encoding is {encoding!r}; use {' or '.join(ENCODINGS)}")
    suffix = Path(path).suffix.lower()
    try:
        with write_whole(path) as draft, fixed_date():
            _WRITERS[suffix](tables, draft, lang, encoding.upper())
    except _GDAL as error:
        raise StoreError(
            f"{Path(path).name} can't be written: {error}; look at the free space, and at texts "
            "that the encoding does not have (UTF-8 has all)"
        ) from error
    if suffix == ".shp":
        for stale in _STALE:
            Path(path).with_suffix(stale).unlink(missing_ok=True)


def _rename(frame: gpd.GeoDataFrame, lang: str) -> gpd.GeoDataFrame:
    """Give the columns the names that people know; gridmap's own ones are the English."""
    if lang == "en":
        return frame
    frame = _translate_kinds(frame, lang)
    names = {column: _FIELDS.get(column, (column,))[0] for column in frame.columns}
    return frame.rename(columns=names)


def _translate_kinds(frame: gpd.GeoDataFrame, lang: str) -> gpd.GeoDataFrame:
    """Write the kinds of grids in Chinese; the English ones are gridmap's own."""
    if lang == "en" or "grid_type" not in frame.columns:
        return frame
    return frame.assign(grid_type=[name_grid_type(kind, lang) for kind in frame["grid_type"]])


def _name_layer(layer: str, lang: str) -> str:
    return LAYERS[layer][LANGUAGES.index(lang)]


# --- formats -------------------------------------------------------------------------------------


def _write_geopackage(
    tables: dict[str, gpd.GeoDataFrame], path: Path, lang: str, _encoding: str
) -> None:
    for layer, frame in tables.items():
        _write_layer(_rename(frame, lang), path, "GPKG", _name_layer(layer, lang))


def _write_flatgeobuf(
    tables: dict[str, gpd.GeoDataFrame], path: Path, lang: str, _encoding: str
) -> None:
    [(layer, frame)] = tables.items()
    _write_layer(_rename(frame, lang), path, "FlatGeobuf", _name_layer(layer, lang))


def _write_layer(frame: gpd.GeoDataFrame, path: Path, driver: str, layer: str) -> None:
    """Add a layer to a file and see that every row is in it: a full disk goes unnoticed."""
    pyogrio.write_dataframe(frame, path, layer=layer, driver=driver, append=path.exists())
    found = pyogrio.read_info(path, layer=layer)["features"]
    if found != len(frame):
        raise DataLayerError(f"{found} of {len(frame)} rows of {layer} were written")


def _write_parquet(
    tables: dict[str, gpd.GeoDataFrame], path: Path, lang: str, _encoding: str
) -> None:
    [frame] = tables.values()
    _rename(frame, lang).to_parquet(path, index=False, compression="zstd")


def _write_geojson(
    tables: dict[str, gpd.GeoDataFrame], path: Path, lang: str, _encoding: str
) -> None:
    [frame] = tables.values()
    frame = _rename(frame, lang)
    path.write_bytes(frame_features(frame.set_index(frame.columns[0])).collection())


def _write_archive(
    tables: dict[str, gpd.GeoDataFrame], path: Path, lang: str, encoding: str
) -> None:
    """Write a Shapefile into one archive; the names inside are ASCII, which all programs read."""
    [layer] = tables
    with TemporaryDirectory() as folder, zipfile.ZipFile(path, "w") as archive:
        _write_shapefile(tables, Path(folder) / f"{layer}.shp", lang, encoding)
        for file in sorted(Path(folder).iterdir()):
            member = zipfile.ZipInfo(file.name)  # its date is 1 January 1980
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, file.read_bytes())


def _write_shapefile(
    tables: dict[str, gpd.GeoDataFrame], path: Path, lang: str, encoding: str
) -> None:
    [frame] = tables.values()
    fields = _name_fields(frame, lang, encoding)
    _refuse_long(frame, encoding)
    pyogrio.write_dataframe(
        _translate_kinds(frame, lang).rename(columns=fields),
        path,
        driver="ESRI Shapefile",
        encoding=encoding,
        layer_options={"DBF_DATE_LAST_UPDATE": "1970-01-01"},
    )
    meanings = pd.DataFrame(
        {
            "field": list(fields.values()),
            "column": list(fields),
            "中文": [name_column(column, "zh") for column in fields],
            "English": [name_column(column, "en") for column in fields],
        }
    )
    # With a byte order mark, so that Excel reads the Chinese.
    meanings.to_csv(path.with_suffix(".fields.csv"), index=False, encoding="utf-8-sig")


def _name_fields(frame: gpd.GeoDataFrame, lang: str, encoding: str) -> dict[str, str]:
    """Return a field for each column: the usual one, or the name cut to 10 bytes and numbered."""
    fields: dict[str, str] = {}
    for column in frame.columns.drop("geometry"):
        names = _FIELDS.get(column, (column, column))
        field = _cut(names[LANGUAGES.index(lang)], encoding, _LONGEST_FIELD)
        number = 1
        while field in fields.values():
            number += 1
            field = f"{_cut(column, encoding, _LONGEST_FIELD - len(str(number)))}{number}"
        fields[column] = field
    return fields


def _cut(text: str, encoding: str, most: int) -> str:
    """Return as many characters as fit into so many bytes."""
    return text.encode(encoding)[:most].decode(encoding, errors="ignore")


def _refuse_long(frame: gpd.GeoDataFrame, encoding: str) -> None:
    for column in frame.columns.drop("geometry"):
        texts = frame[column][frame[column].map(lambda value: isinstance(value, str))]
        long = texts[texts.map(lambda text: len(text.encode(encoding))) > _LONGEST_TEXT]
        if len(long):
            raise TableError(
                f"{column!r} has more than {_LONGEST_TEXT} bytes in rows {list_some(long.index)}, "
                "which a Shapefile can't hold; use .gpkg"
            )


def _write_list(tables: dict[str, gpd.GeoDataFrame], path: Path, lang: str, _encoding: str) -> None:
    [frame] = tables.values()
    write_sheet(pd.DataFrame(frame.drop(columns="geometry")), path, lang)


_WRITERS: dict[str, Callable[[dict[str, gpd.GeoDataFrame], Path, str, str], Any]] = {
    ".gpkg": _write_geopackage,
    ".parquet": _write_parquet,
    ".fgb": _write_flatgeobuf,
    ".shp": _write_shapefile,
    ".zip": _write_archive,
    ".geojson": _write_geojson,
    ".xlsx": _write_list,
    ".csv": _write_list,
}
