"""A plan as a GeoPackage: every table a layer, and `plan` with the rest; opens in QGIS.

What is read back is what was written, to the dtype and the byte of a geometry: whoever keeps a plan
compares (`refuse_different`).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from operator import methodcaller
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gridmap.errors import StoreError
from gridmap.files import fixed_date
from gridmap.later import later
from gridmap.rules import Rules
from gridmap.tables import list_some

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    import pyarrow as pa
    import pyogrio

    from gridmap.plan import Plan
else:
    gpd = later("geopandas")
    pd = later("pandas")
    pa = later("pyarrow")
    pyogrio = later("pyogrio")

#: Version of the layout of a plan's file; a reader refuses a later one.
FORMAT = 2
#: The layers of a plan's file, in the order in which QGIS lists them; `plan` follows.
CITY_LAYERS = ("communities", "buildings", "streets", "barriers")
#: The layers that a file has only where they hold a row.
SUPPLEMENTS = ("zones", "existing", "compounds", "entrances")
PLAN_LAYERS = ("grids", "units", "adjacency", "lineage")
#: The log of edits by hand, only where it holds a row.
LOG_LAYERS = ("changes", "moves", "marks")
#: Older than GDAL's default: the QGIS of a long-lived office computer opens it without a warning.
_GPKG_VERSION = "1.3"
#: The triggers of a layer and of its spatial index that every version of GeoPackages has.
_WRITES = ("insert", "delete")


def write_plan(plan: Plan, path: Path) -> None:
    """Write every table as a layer, and `plan` with the rest; the same bytes for the same plan."""
    tables = _tables_of(plan)
    with fixed_date():
        for layer, frame in tables.items():
            _write_layer(frame, path, layer)
        about = {
            "format": FORMAT,
            "name": plan.name,
            "city": plan.city.name,
            "crs": plan.city.crs.to_wkt(),
            "rules": _to_json(plan.rules.to_dict()),
            "report": _to_json(plan.city.report.to_dict()),
            "tables": _to_json({layer: _describe(frame) for layer, frame in tables.items()}),
        }
        _write_layer(pd.DataFrame([about]), path, "plan")
    _refuse_incomplete(path, tables)


def read_plan(path: Path) -> Plan:
    """Read a plan's file, whose fingerprint was checked before."""
    with _explain_gdal(path, "plan"):
        about = pyogrio.read_dataframe(path, layer="plan", use_arrow=True).iloc[0]
    if about["format"] > FORMAT:
        raise StoreError(
            f"{path} has format {about['format']}, and this gridmap reads up to {FORMAT}: "
            "install a later version"
        )
    tables = {
        layer: _read_layer(path, layer, described, about["crs"])
        for layer, described in json.loads(about["tables"]).items()
    }
    from gridmap.changes import ChangeLog  # late: the engine comes with a plan
    from gridmap.city import City, CityReport, Finding
    from gridmap.plan import Plan

    report = json.loads(about["report"])
    findings = tuple(Finding(**finding) for finding in report["findings"])
    city = City(
        **{layer: tables[layer] for layer in (*CITY_LAYERS, *SUPPLEMENTS) if layer in tables},
        name=about["city"],
        report=CityReport(findings, report["counts"]),
    )
    rules = Rules.from_dict(json.loads(about["rules"]))
    own = {layer: tables[layer] for layer in PLAN_LAYERS}
    log = ChangeLog(**{layer: tables[layer] for layer in LOG_LAYERS if layer in tables})
    return Plan(city=city, **own, rules=rules, name=about["name"], log=log)


def read_grids(path: Path) -> gpd.GeoDataFrame:
    """Read the grids of a plan's file alone."""
    with _explain_gdal(path, "plan"):
        about = pyogrio.read_dataframe(path, layer="plan", use_arrow=True).iloc[0]
    return _read_layer(path, "grids", json.loads(about["tables"])["grids"], about["crs"])


def read_rules(path: Path) -> Rules:
    """Read the rules of a plan's file alone."""
    with _explain_gdal(path, "plan"):
        about = pyogrio.read_dataframe(path, layer="plan", columns=["rules"], use_arrow=True)
    return Rules.from_dict(json.loads(about["rules"].iloc[0]))


def read_codes(path: Path) -> set[str]:
    """Read the codes of a plan's grids, and nothing else of it."""
    with _explain_gdal(path, "grids"):
        frame = pyogrio.read_dataframe(
            path, layer="grids", columns=["grid_code"], read_geometry=False, use_arrow=True
        )
    return set(frame["grid_code"])


def _tables_of(plan: Plan) -> dict[str, pd.DataFrame]:
    """Return every table of a plan by its layer's name; those that need not be only with rows."""
    supplements = {layer: getattr(plan.city, layer) for layer in SUPPLEMENTS}
    supplements |= {layer: getattr(plan.log, layer) for layer in LOG_LAYERS}
    return {
        **{layer: getattr(plan, layer) for layer in PLAN_LAYERS},
        **{layer: getattr(plan.city, layer) for layer in CITY_LAYERS},
        **{layer: frame for layer, frame in supplements.items() if len(frame)},
    }


def _to_json(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, default=methodcaller("item"))  # NumPy's numbers


def _gdal_errors() -> tuple[type[Exception], ...]:
    """Return what is raised where GDAL can't write or read a layer."""
    errors = pyogrio.errors
    return errors.DataSourceError, errors.DataLayerError, pa.ArrowException, ValueError


@contextmanager
def _explain_gdal(path: Path, layer: str) -> Iterator[None]:
    """Name the layer that GDAL could not write or read."""
    try:
        yield
    except _gdal_errors() as error:
        raise StoreError(
            f"layer {layer!r} of {path}: {error}; look at the free space, and at columns that "
            "hold anything but numbers and text"
        ) from error


def _describe(frame: pd.DataFrame) -> dict[str, Any]:
    """Say what a GeoPackage forgets of a table: dtypes, the kind of index, the geometry's name."""
    index = frame.index
    steps = [index.start, index.stop, index.step] if isinstance(index, pd.RangeIndex) else None
    spatial = isinstance(frame, gpd.GeoDataFrame)
    geometry = frame.geometry.name if spatial else None
    return {
        "index": {"name": index.name, "dtype": str(index.dtype), "range": steps},
        "columns": {str(name): str(dtype) for name, dtype in frame.dtypes.items()},
        "geometry": geometry,
    }


def _key_column(index_name: Any) -> str:
    """Return the column that an index is written to."""
    return "row" if index_name is None else str(index_name)


def _write_layer(frame: pd.DataFrame, path: Path, layer: str) -> None:
    """Add a table to a file, its index as a column; adjacency and the like as attribute tables."""
    options = {"FID": _free_name("fid", frame)}
    if isinstance(frame, gpd.GeoDataFrame):
        options["GEOMETRY_NAME"] = frame.geometry.name
    with _explain_gdal(path, layer):
        pyogrio.write_dataframe(
            frame.reset_index(names=_key_column(frame.index.name)),
            path,
            layer=layer,
            driver="GPKG",
            append=path.exists(),
            dataset_options=None if path.exists() else {"VERSION": _GPKG_VERSION},
            promote_to_multi=False,
            use_arrow=True,
            layer_options=options,
        )


def _refuse_incomplete(path: Path, tables: dict[str, pd.DataFrame]) -> None:
    """Refuse a file without its spatial indexes or counters.

    GDAL makes them when it closes a layer, and reports no error where the disk was full by then.
    """
    expected = {f"trigger_{verb}_feature_count_{layer}" for layer in tables for verb in _WRITES}
    expected |= {f"trigger_{verb}_feature_count_plan" for verb in _WRITES}
    for layer, frame in tables.items():
        if isinstance(frame, gpd.GeoDataFrame):
            expected |= {f"rtree_{layer}_{frame.geometry.name}_{verb}" for verb in _WRITES}
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
        found = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
    if expected - found:
        raise StoreError(
            f"{path} was written without {list_some(sorted(expected - found))}; look at the free "
            "space, then try again"
        )


def _free_name(name: str, frame: pd.DataFrame) -> str:
    """Return a column name that the table does not have, in upper or lower case."""
    taken = {str(column).lower() for column in (*frame.columns, frame.index.name)}
    while name in taken:
        name += "_"
    return name


def _read_layer(path: Path, layer: str, described: dict[str, Any], crs: str) -> pd.DataFrame:
    """Read a layer back with the dtypes, the index and the names that it was written with."""
    with _explain_gdal(path, layer):
        frame = pyogrio.read_dataframe(path, layer=layer, use_arrow=True)
    index, geometry = described["index"], described["geometry"]
    key = frame.pop(_key_column(index["name"]))
    if geometry is not None:
        frame = frame.rename(columns={"geometry": geometry}).set_geometry(geometry)
        frame = frame.set_crs(crs, allow_override=True)
    kinds = {name: kind for name, kind in described["columns"].items() if name != geometry}
    frame = frame.astype(kinds)[list(described["columns"])]
    steps = index["range"]
    keys = pd.RangeIndex(*steps) if steps else pd.Index(key.astype(index["dtype"]))
    return frame.set_axis(keys.rename(index["name"]), axis=0)


def refuse_different(plan: Plan, written: Plan) -> None:
    """Refuse to keep what would come back otherwise than it is."""
    for layer, frame in _tables_of(plan).items():
        try:
            _compare_tables(frame, _tables_of(written)[layer])
        except AssertionError as error:
            raise StoreError(
                f"{layer} would not come back from a GeoPackage as it is; drop the column or "
                f"convert it to numbers or text: {error}"
            ) from error
    for what in ("name", "rules"):
        if getattr(plan, what) != getattr(written, what):
            raise StoreError(f"the plan's {what} would not come back as it is")
    if (plan.city.name, plan.city.report) != (written.city.name, written.city.report):
        raise StoreError("the city's name or report would not come back as it is")


def _compare_tables(frame: pd.DataFrame, written: pd.DataFrame) -> None:
    """Raise AssertionError where two tables differ, geometry by its bytes."""
    if isinstance(frame, gpd.GeoDataFrame):
        if frame.crs != written.crs:
            raise AssertionError(f"CRS {frame.crs} and {written.crs}")
        if len(frame) != len(written):
            raise AssertionError(f"{len(frame)} rows became {len(written)}")
        bytes_differ = frame.geometry.to_wkb().to_numpy() != written.geometry.to_wkb().to_numpy()
        if bytes_differ.any():
            raise AssertionError(f"geometry of rows {list_some(frame.index[bytes_differ])}")
        frame = pd.DataFrame(frame.drop(columns=frame.geometry.name))
        written = pd.DataFrame(written.drop(columns=written.geometry.name))
    pd.testing.assert_frame_equal(frame, written, check_exact=True)
