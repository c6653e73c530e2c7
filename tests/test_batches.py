"""Batches of bytes: the answers of the locator, in the kind that was sent."""

import io
import json
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from gridmap.batches import ANSWER, ARROW, CSV, JSON, Batches, make_batches
from gridmap.datum import from_wgs84
from gridmap.errors import DatumError, TableError
from gridmap.locate import Locator
from tests.test_locate import make_voronoi, pick_points, place

TOLD = {"name": '第1"网格', "community": "小雨, 社区", "street": "建设街道"}


@pytest.fixture(scope="module")
def locator() -> Locator:
    """Return a coverage of forty cells."""
    return Locator(make_voronoi(40, seed=2))


@pytest.fixture(scope="module")
def batches(locator: Locator) -> Batches:
    """Return it with the same words for each grid."""
    return make_batches(locator, dict.fromkeys(locator.codes, TOLD))


@pytest.fixture(scope="module")
def points() -> tuple[Any, Any]:
    """Return points inside, near borders, outside but near, and far."""
    grids = make_voronoi(40, seed=2)
    lon, lat = pick_points(grids, 3000, margin=0.1)
    west, south, east, north = grids.total_bounds
    edge = np.linspace(west, east, 40)
    return np.concatenate([lon, edge, edge]), np.concatenate(
        [lat, np.full(40, north), np.full(40, south - 2e-4)]
    )


def write_arrow(table: pa.Table) -> bytes:
    """Return an IPC stream."""
    out = io.BytesIO()
    with pa.ipc.new_stream(out, table.schema) as stream:
        stream.write_table(table)
    return out.getvalue()


def write_csv(lon: Any, lat: Any) -> bytes:
    """Return a CSV with a column of its own."""
    rows = "".join(
        f'{x!r},"a ""b"",\nc",{y!r}\n' for x, y in zip(lon.tolist(), lat.tolist(), strict=True)
    )
    return ("经度,备注,纬度\n" + rows).encode()


def read_answer(kind: str, data: bytes) -> pd.DataFrame:
    """Return the answers of a batch as a table with missing values."""
    if kind == JSON:
        table = pd.DataFrame(json.loads(data)["answers"])
    elif kind == CSV:
        table = pd.read_csv(io.BytesIO(data), dtype={"grid_code": str, "runner_up": str})
    else:
        table = pa.ipc.open_stream(data).read_all().to_pandas()
    return table.astype({"border_m": float, "distance_m": float})


def send(kind: str, lon: Any, lat: Any) -> bytes:
    """Return a batch of a kind."""
    if kind == JSON:
        return json.dumps({"lon": lon.tolist(), "lat": lat.tolist()}).encode()
    if kind == CSV:
        return write_csv(lon, lat)
    return write_arrow(pa.table({"lon": lon, "lat": lat}))


@pytest.mark.parametrize("kind", [JSON, CSV, ARROW])
def test_answers_are_those_of_the_locator(
    locator: Locator, batches: Batches, points: tuple[Any, Any], kind: str
) -> None:
    """Grid and match are the same; metres and runner-up are where the match is not ``inside``."""
    lon, lat = points
    answer = read_answer(kind, batches.answer(send(kind, lon, lat), kind))
    expected = locator.locate_many(lon, lat)
    assert set(expected["match"]) == {"inside", "border", "nearest", "none"}
    assert list(answer["match"]) == list(expected["match"])
    for name in ("grid_code", "border_m", "distance_m", "runner_up"):
        shown = expected[name].where((expected["match"] != "inside") | (name in ("grid_code",)))
        if name == "distance_m":
            shown = expected[name]
        given = answer[name].astype(object)
        same = (given == shown) | (given.isna() & shown.isna())
        assert same.all(), name
    inside = answer["grid_code"].notna()
    for name, text in TOLD.items():
        assert set(answer[name][inside]) == {text}
        assert answer[name][~inside].isna().all()


def test_pairs_are_read_too(batches: Batches) -> None:
    """JSON may hold pairs; both forms have the same answer, behind what the caller adds."""
    lon, lat = place(1, 1)
    pairs = batches.answer(f'{{"points": [[{lon}, {lat}]]}}'.encode(), JSON, about={"plan": "p"})
    columns = batches.answer(f'{{"lon": [{lon}], "lat": [{lat}]}}'.encode(), JSON)
    assert json.loads(pairs) == {"plan": "p", **json.loads(columns)}
    assert list(json.loads(pairs)["answers"][0]) == list(ANSWER)


def test_columns_of_a_csv_stay(batches: Batches) -> None:
    """Every line comes back as it was, byte for byte, the answer behind it; GBK is read."""
    lon, lat = place(1, 1)
    text = f'编号,经度,纬度,备注\r\n007,{lon},{lat},"两\n行, ""x"""\r\n\r\n008,,,\r\n'
    for code in ("utf-8-sig", "gbk"):
        answer = batches.answer(text.encode(code), CSV).decode()
        assert answer.startswith("编号,经度,纬度,备注,grid_code,")
        assert f'007,{lon},{lat},"两\n行, ""x""",' in answer
        table = pd.read_csv(io.StringIO(answer), dtype=str)
        assert list(table["编号"]) == ["007", "008"]
        assert list(table["match"].isin(["inside", "border"])) == [True, False]
        assert list(table["suspect"].fillna("")) == ["", "missing"]


def test_columns_of_a_table_stay(batches: Batches) -> None:
    """An Arrow table keeps its columns, and whole numbers are read as degrees."""
    lon, lat = place(1, 1)
    given = pa.table({"id": ["a", "b"], "x": pa.array([lon, None]), "y": pa.array([lat, 40.0])})
    answer = pa.ipc.open_stream(batches.answer(write_arrow(given), ARROW)).read_all()
    assert answer.column_names == ["id", "x", "y", *ANSWER]
    assert answer["id"].to_pylist() == ["a", "b"]
    assert answer["suspect"].to_pylist() == [None, "missing"]
    whole = write_arrow(pa.table({"lon": [122], "lat": [40]}))
    assert pa.ipc.open_stream(batches.answer(whole, ARROW)).read_all()["match"][0].as_py() == "none"


def test_odd_rows_stop_nobody(batches: Batches) -> None:
    """Swapped, shifted and impossible positions are answered with what is suspected of them."""
    lon, lat = place(15, 15)
    shifted = [float(value) for value in from_wgs84(*place(1, 1), "gcj02")]
    east = [lon, lat, 500.0, shifted[0] - 0.05, None]
    north = [lat, lon, 40.0, shifted[1], 40.0]
    body = json.dumps({"lon": east, "lat": north}).encode()
    answers = json.loads(batches.answer(body, JSON))["answers"]
    assert [one["suspect"] for one in answers[:3]] == [None, "swapped", "impossible"]
    assert answers[4]["suspect"] == "missing"
    assert answers[0]["match"] in ("inside", "border")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (JSON, '{{"lon": [{lon}, "x", {lon}, []], "lat": [{lat}, {lat}, "{lat}", 1]}}'),
        (CSV, "lon,lat\n{lon},{lat}\nx,{lat}\n{lon},{lat}\n,1\n"),
    ],
)
def test_texts_among_numbers_stop_nobody(batches: Batches, kind: str, body: str) -> None:
    """A row with a word for a number has no coordinates; those around it are answered."""
    lon, lat = place(15, 15)
    asked = body.format(lon=lon, lat=lat).encode()
    answer = read_answer(kind, batches.answer(asked, kind))
    assert list(answer["suspect"])[1::2] == ["missing", "missing"]
    first, third = list(answer["grid_code"])[0::2]
    assert first == third
    assert first


@pytest.mark.parametrize("odd", ["null", "[1]", "[]", "[1, 2, 3]", '"12"', '{"1": 1, "2": 2}', "7"])
def test_points_that_are_no_pairs(batches: Batches, odd: str) -> None:
    """What is no pair among points has no coordinates, whatever else it may be."""
    lon, lat = place(15, 15)
    for good in (f"[{lon}, {lat}]", f'["{lon}", "{lat}"]'):
        body = f'{{"points": [{good}, {odd}, {good}]}}'.encode()
        answers = json.loads(batches.answer(body, JSON))["answers"]
        assert [one["suspect"] for one in answers] == [None, "missing", None]
        assert answers[0]["grid_code"] == answers[2]["grid_code"] is not None


def test_lists_in_a_column_are_no_numbers(batches: Batches) -> None:
    """A column of lists has no coordinates, alike in shape or not."""
    for odd in ("[1], [2]", "[1], [2, 3]"):
        answers = json.loads(batches.answer(f'{{"lon": [{odd}], "lat": [1, 2]}}'.encode(), JSON))
        assert [one["suspect"] for one in answers["answers"]] == ["missing", "missing"]


def test_rows_of_other_lengths(batches: Batches) -> None:
    """A row with cells too few or too many is missing; it loses nothing, and moves no answer."""
    lon, lat = place(15, 15)
    rows = ["1", f"{lon},{lat}", f"{lon},{lat},a,b", "  ", f'{lon},{lat},"c, ""d"""', ",,"]
    text = f"lon,lat,what\n{lon},{lat},first\n" + "\n".join(rows) + "\n"
    table = pd.read_csv(io.BytesIO(batches.answer(text.encode(), CSV)), dtype=str)
    found, odd = table["match"].isin(["inside", "border"]), table["suspect"] == "missing"
    assert list(found) == [True, False, False, False, False, True, False]
    assert list(odd) == [not one for one in found]
    assert list(table["what"].fillna("")) == ["first", "", "", "a,b", "", 'c, "d"', ""]
    assert list(table["lon"].fillna("").str.strip())[1:4] == ["1", str(lon), str(lon)]


def test_texts_in_a_table(batches: Batches) -> None:
    """Texts of an Arrow column are read as numbers where they are some; others have none."""
    lon, lat = place(15, 15)
    for kind in (pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())):
        column = pa.array([str(lon), "hereabouts", None], pa.string()).cast(kind)
        table = pa.table({"lon": column, "lat": [lat] * 3})
        answer = pa.ipc.open_stream(batches.answer(write_arrow(table), ARROW)).read_all()
        assert answer["suspect"].to_pylist() == [None, "missing", "missing"]
        assert answer["grid_code"][0].as_py()
    days = pa.table({"lon": pa.array([1], pa.timestamp("s")), "lat": [lat]})
    with pytest.raises(TableError, match="column lon holds no numbers"):
        batches.answer(write_arrow(days), ARROW)


@pytest.mark.parametrize("kind", [CSV, ARROW])
def test_columns_called_as_an_answer(batches: Batches, kind: str) -> None:
    """A column that has the name of an answer's is kept under another one, in every kind."""
    lon, lat = place(15, 15)
    columns = {"grid_code": "old", "lon": lon, "given_name": "b", "name": 'a "b", c', "lat": lat}
    if kind == CSV:
        text = io.StringIO()
        pd.DataFrame([columns]).to_csv(text, index=False)
        body = text.getvalue().encode()
    else:
        body = write_arrow(pa.table({name: [one] for name, one in columns.items()}))
    data = batches.answer(body, kind)
    if kind == CSV:
        assert data.splitlines()[0].decode().split(",") == list(read_answer(kind, data).columns)
    table = read_answer(kind, data)
    assert list(table.columns) == [
        *("given_grid_code", "lon", "given_name", "given_given_name", "lat"),
        *ANSWER,
    ]
    row = table.iloc[0]
    assert (row["given_grid_code"], row["given_name"]) == ("old", "b")
    assert (row["given_given_name"], row["name"]) == ('a "b", c', TOLD["name"])
    assert row["grid_code"] not in ("", "old")


def test_datum_of_a_batch(locator: Locator, batches: Batches) -> None:
    """A batch in GCJ-02 has the owners of the same places in WGS-84; an unknown datum is named."""
    lon, lat = pick_points(make_voronoi(40, seed=2), 50)
    shifted = from_wgs84(lon, lat, "gcj02")
    answer = read_answer(CSV, batches.answer(write_csv(*shifted), CSV, datum="gcj02"))
    assert list(answer["grid_code"]) == list(locator.locate_many(lon, lat)["grid_code"])
    with pytest.raises(DatumError, match="wgs48"):
        batches.answer(write_csv(*shifted), CSV, datum="wgs48")


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        ("text/plain", b"", "no kind of batch"),
        (JSON, b"[", "no JSON"),
        (JSON, b"[[1, 2]]", "no object; send"),
        (JSON, b'{"lon": [1]}', "no lists"),
        (JSON, b'{"lon": [122.2], "lat": 40.6}', 'no lists "lon" and "lat"; send'),
        (JSON, b'{"lon": [1, 2], "lat": [1]}', "not of one length: 2 and 1"),
        (JSON, b'{"points": {"lon": 1}}', 'no "points"'),
        (CSV, b"", "empty"),
        (CSV, b'lon,lat,what\n1,2,a\n1,2,"b\n1,2,c\n', "row 2 of the CSV is never closed"),
        (CSV, b'lon,lat,what\n1,2,a "b\n1,2,c" d\n1\n', "row 1 of the CSV can't be read"),
        (CSV, b"name\nx\n", "no column lon"),
        (ARROW, b"no stream", "Arrow IPC stream"),
    ],
)
def test_what_is_no_batch(batches: Batches, kind: str, body: bytes, words: str) -> None:
    """What can't be read is refused in words."""
    with pytest.raises(TableError, match=words):
        batches.answer(body, kind)


def test_too_many_points(batches: Batches) -> None:
    """Up to the limit, and no more."""
    body = b"lon,lat\n1,1\n1,1\n"
    batches.answer(body, CSV, most=2)
    with pytest.raises(TableError, match="2 points, and 1"):
        batches.answer(body, CSV, most=1)


def test_no_points(batches: Batches) -> None:
    """No points, no rows, all columns."""
    assert json.loads(batches.answer(b'{"lon": [], "lat": []}', JSON)) == {"answers": []}
    assert batches.answer(b"lon,lat\n", CSV).decode().splitlines() == [
        "lon,lat," + ",".join(ANSWER)
    ]


def test_streams_of_any_columns(batches: Batches) -> None:
    """What is kept of a stream depends on its columns: others, and dictionaries, get their own."""
    plain = {"lon": [122.2005] * 3, "lat": [40.6005] * 3}
    kinds = pa.array(["a", "b", "a"]).dictionary_encode()
    others = pa.array(["c", "c", "d"]).dictionary_encode()
    given = [
        pa.table(plain),
        pa.table({**plain, "kind": kinds}),
        pa.table({**plain, "kind": others}),
        pa.table({**plain, "kind": [[1], [], [2, 3]]}),
        pa.table({**plain, "kind": [1, 2, 3]}).replace_schema_metadata({"from": "one"}),
        pa.table({**plain, "kind": [4, 5, 6]}).replace_schema_metadata({"from": "other"}),
        pa.table(plain).slice(0, 0),
        pa.concat_tables([pa.table(plain), pa.table(plain)]),
    ]
    for table in [*given, *given]:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
        answer = pa.ipc.open_stream(batches.answer(sink.getvalue().to_pybytes(), ARROW)).read_all()
        answer.validate(full=True)
        assert answer.select(table.column_names).equals(table)
        assert answer.schema.metadata == table.schema.metadata
        assert len(set(answer["grid_code"].to_pylist())) == min(len(table), 1)
