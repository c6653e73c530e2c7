"""Batches of bytes: the answers of the locator, in the kind that was sent."""

import io
import json
import random
import struct
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
    for header in (b"lon,lat\n", b"lon,lat", b"lon,lat,datum"):
        names = header.decode().strip() + "," + ",".join(ANSWER)
        assert batches.answer(header, CSV).decode().splitlines() == [names]


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


def test_long_schemas_are_not_kept(locator: Locator) -> None:
    """What a caller says of his columns is kept for the next batch only where it is short."""
    made = make_batches(locator)
    for words, kept in (("x" * 100, 1), ("y" * 20_000, 1), ("z" * 100, 2)):
        table = pa.table({"lon": [122.2], "lat": [40.6]}).replace_schema_metadata({"by": words})
        answer = pa.ipc.open_stream(made.answer(write_arrow(table), ARROW)).read_all()
        assert answer.schema.metadata == {b"by": words.encode()}
        assert len(made._streams._heads) == kept


def forge(body: bytes, old: bytes, new: bytes) -> bytes:
    """Return a body with its last few bytes of a kind replaced."""
    place = body.rfind(old)
    assert place > 0
    assert len(old) == len(new)
    return body[:place] + new + body[place + len(old) :]


@pytest.mark.parametrize("name", ["lon", "datum", "note"])
def test_texts_beyond_their_buffer(batches: Batches, name: str) -> None:
    """A text that would end beyond the body is refused: nothing of the memory there is told."""
    columns = {"lon": [122.2], "lat": [40.6], name: ["gcjQ2"]}
    body = write_arrow(pa.table(columns))
    for length in (12, 205, 2_000_000_000):
        wrong = forge(body, struct.pack("<ii", 0, 5), struct.pack("<ii", 0, length))
        with pytest.raises(TableError, match="larger than values") as error:
            batches.answer(wrong, ARROW)
        assert "gcjQ2" not in str(error.value)


def test_places_beyond_a_dictionary(batches: Batches) -> None:
    """A row that names an entry which its dictionary has not is refused."""
    notes = pa.DictionaryArray.from_arrays(pa.array([77], pa.int32()), pa.array(["a"] * 78))
    body = write_arrow(pa.table({"lon": [122.2], "lat": [40.6], "note": notes}))
    with pytest.raises(TableError, match="out of bounds"):
        batches.answer(forge(body, struct.pack("<i", 77), struct.pack("<i", 2**30)), ARROW)


def write_compressed(table: pa.Table, how: str) -> bytes:
    """Return an IPC stream whose batches are compressed."""
    out = io.BytesIO()
    with pa.ipc.new_stream(
        out, table.schema, options=pa.ipc.IpcWriteOptions(compression=how)
    ) as stream:
        stream.write_table(table)
    return out.getvalue()


@pytest.mark.parametrize("how", ["zstd", "lz4"])
def test_compressed_streams(batches: Batches, how: str) -> None:
    """Compressed rows and dictionaries are refused before they are unpacked."""
    zeros = np.zeros(1_000_000)
    body = write_compressed(pa.table({"lon": zeros, "lat": zeros}), how)
    assert len(body) < 200_000
    before = pa.total_allocated_bytes()
    pool = pa.default_memory_pool()
    peak = pool.max_memory()
    with pytest.raises(TableError, match="compressed: send it without"):
        batches.answer(body, ARROW)
    assert pa.total_allocated_bytes() == before
    assert pool.max_memory() == peak
    texts = pa.array(["a" * 10_000]).dictionary_encode()
    with pytest.raises(TableError, match="compressed"):
        batches.answer(write_compressed(pa.table({"lon": texts, "lat": [1]}), how), ARROW)


def test_rows_of_nothing(batches: Batches) -> None:
    """Rows are counted before they are read: those of a column of nothing have no bytes."""
    many = write_arrow(pa.table({"lon": pa.nulls(10**9), "lat": pa.nulls(10**9)}))
    assert len(many) < 2_000
    with pytest.raises(TableError, match="1000000000 points, and 10000"):
        batches.answer(many, ARROW, most=10_000)
    entries = pa.DictionaryArray.from_arrays(pa.array([0], pa.int8()), pa.nulls(10**9))
    with pytest.raises(TableError, match="more entries than bytes"):
        batches.answer(write_arrow(pa.table({"lon": entries, "lat": [1]})), ARROW)


def test_rows_of_many_batches_are_counted(batches: Batches) -> None:
    """The rows of all batches of a stream count together."""
    one = pa.table({"lon": [122.2] * 3, "lat": [40.6] * 3})
    body = write_arrow(pa.concat_tables([one, one]))
    assert batches.answer(body, ARROW, most=6)
    with pytest.raises(TableError, match="6 points, and 5"):
        batches.answer(body, ARROW, most=5)


def test_columns_in_the_same_bytes(batches: Batches) -> None:
    """Buffers that lie over one another are refused: each would be sent back by itself."""
    columns = {"lon": [122.2], "lat": [40.6], "note": ["n" * 1000]}
    body = write_arrow(pa.table(columns))
    wrong = forge(body, struct.pack("<qq", 24, 1000), struct.pack("<qq", 0, 1024))
    with pytest.raises(TableError, match="in the same bytes"):
        batches.answer(wrong, ARROW)


def make_views(rows: int, size: int) -> pa.Array:
    """Return texts that all lie in the same bytes."""
    text = b"1" * size
    views = struct.pack("<i4sii", size, text[:4], 0, 0) * rows
    buffers = [None, pa.py_buffer(views), pa.py_buffer(text)]
    return pa.Array.from_buffers(pa.string_view(), rows, buffers)


@pytest.mark.parametrize("name", ["lon", "datum", "note"])
def test_texts_in_one_another(batches: Batches, name: str) -> None:
    """Views are read, but not those that stand for far more bytes than were sent."""
    columns: dict[str, Any] = {"lon": [1.0] * 300, "lat": [1.0] * 300}
    body = write_arrow(pa.table({**columns, name: make_views(300, 1_000_000)}))
    assert len(body) < 1_100_000
    with pytest.raises(TableError, match="texts of the Arrow stream lie in one another"):
        batches.answer(body, ARROW)
    degrees = pa.array([str(122.2), None, "a word that is long enough to be out of line"])
    table = pa.table({"lon": degrees.cast(pa.string_view()), "lat": [40.6] * 3})
    answer = pa.ipc.open_stream(batches.answer(write_arrow(table), ARROW)).read_all()
    assert answer["suspect"].to_pylist()[1:] == ["missing", "missing"]
    assert answer["suspect"].to_pylist()[0] != "missing"


def test_dictionaries_that_are_added_to(batches: Batches) -> None:
    """A dictionary in parts is refused: every batch of rows would have it whole."""
    first = pa.DictionaryArray.from_arrays(pa.array([0], pa.int8()), pa.array(["a"]))
    second = pa.DictionaryArray.from_arrays(pa.array([1], pa.int8()), pa.array(["a", "b"]))
    table = pa.table(
        {"lon": [1.0, 1.0], "lat": [1.0, 1.0], "kind": pa.chunked_array([first, second])}
    )
    out = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
    with pa.ipc.new_stream(out, table.schema, options=options) as stream:
        stream.write_table(table)
    with pytest.raises(TableError, match="added to: send each whole"):
        batches.answer(out.getvalue(), ARROW)
    answer = pa.ipc.open_stream(batches.answer(write_arrow(table), ARROW)).read_all()
    assert answer["kind"].to_pylist() == ["a", "b"]


def test_types_that_are_not_what_they_say(batches: Batches) -> None:
    """A column that names a type of pandas and does not describe it is refused."""
    pytest.importorskip("pandas.core.arrays.arrow.extension_types")
    for name, words in (("pandas.period", "{}"), ("pandas.interval", "[]")):
        said = {"ARROW:extension:name": name, "ARROW:extension:metadata": words}
        kinds = [("lon", pa.float64()), ("lat", pa.float64())]
        schema = pa.schema([*kinds, pa.field("when", pa.int64(), metadata=said)])
        with pytest.raises(TableError, match="no Arrow IPC stream"):
            batches.answer(write_arrow(pa.table([[1.0], [2.0], [3]], schema=schema)), ARROW)


@pytest.mark.parametrize("kind", [CSV, ARROW])
def test_columns_of_one_name(batches: Batches, kind: str) -> None:
    """Of two columns of a name the first counts, and both come back."""
    lon, lat = place(15, 15)
    if kind == CSV:
        body = f"lon,lat,lon\n{lon},{lat},1.5\n".encode()
    else:
        values = [pa.array([one]) for one in (lon, lat, 1.5)]
        body = write_arrow(pa.Table.from_arrays(values, names=["lon", "lat", "lon"]))
    data = batches.answer(body, kind)
    if kind == CSV:
        assert data.splitlines()[1].startswith(f"{lon},{lat},1.5,".encode())
        table = read_answer(kind, data)
    else:
        answer = pa.ipc.open_stream(data).read_all()
        assert answer.column(2).to_pylist() == [1.5]
        table = answer.select(list(ANSWER)).to_pandas()
    assert table["match"][0] in ("inside", "border")


def test_datums_of_rows(batches: Batches) -> None:
    """Rows that name no datum beside others that do are refused, unless they have no place."""
    lon, lat = (float(one) for one in from_wgs84(*place(15, 15), "gcj02"))
    rows = f"{lon},{lat},gcj02\n{{}}\n"
    for kind in (CSV, ARROW):
        for row, refused in ((f"{lon},{lat},", True), (",,", False), (f"{lon},{lat},gcj02", False)):
            body = ("lon,lat,datum\n" + rows.format(row)).encode()
            if kind == ARROW:
                texts = pd.read_csv(io.BytesIO(body))
                body = write_arrow(pa.Table.from_pandas(texts, preserve_index=False))
            if refused:
                with pytest.raises(DatumError, match="'gcj02' and others none"):
                    batches.answer(body, kind)
            answer = read_answer(kind, batches.answer(body, kind, datum="gcj02"))
            assert answer["match"][0] in ("inside", "border")
            if not refused:
                assert batches.answer(body, kind) == batches.answer(body, kind, datum="gcj02")


@pytest.mark.parametrize("kind", [JSON, CSV, ARROW])
def test_changed_bytes(batches: Batches, kind: str) -> None:
    """Whatever bytes of a good batch are others, it is answered or refused in words."""
    columns = {"lon": ["122.2", "122.3"], "lat": [40.6, 40.7], "datum": ["wgs84"] * 2, "no": [1, 2]}
    bodies = {
        JSON: b'{"lon": [122.2, "122.3", null], "lat": [40.6, 40.7, 1e1], "datum": "wgs84"}',
        CSV: 'lon,lat,datum,"备 注"\n122.2,40.6,wgs84,"a ""b"", c"\n122.3,40.7,,\n'.encode(),
        ARROW: write_arrow(pa.table({**columns, "kind": pa.array(["a", "b"]).dictionary_encode()})),
    }
    chance, refused = random.Random(7), 0
    for _ in range(600):
        body = bytearray(bodies[kind])
        for _ in range(chance.randint(1, 4)):
            body[chance.randrange(len(body))] = chance.randrange(256)
        try:
            batches.answer(bytes(body), kind, most=10_000)
        except (TableError, DatumError):
            refused += 1
    assert 0 < refused < 600


@pytest.mark.parametrize("name", ["lon", "datum"])
def test_nulls_that_point_anywhere(batches: Batches, name: str) -> None:
    """What a row of null would stand for is not looked at: Arrow does not check it."""
    text = b"122.2 and much more behind it"
    views = struct.pack("<i4sii", 5, b"122.2", 0, 0)[:8] + b"2" + bytes(7)
    views += struct.pack("<i4sii", -(2**24), text[:4], 77, 2_000_000_000)
    held = pa.py_buffer(b"\x01")
    viewed = pa.Array.from_buffers(
        pa.string_view(), 2, [held, pa.py_buffer(views), pa.py_buffer(text)]
    )
    places = pa.Array.from_buffers(
        pa.int32(), 2, [held, pa.py_buffer(struct.pack("<ii", 0, -(2**30)))]
    )
    rows = [
        pa.DictionaryArray.from_arrays(places, pa.array(entries), safe=False)
        for entries in (["122.2"], ["122.2", "c"])
    ]
    for column in (viewed, pa.chunked_array(rows)):
        count = len(column)
        columns: dict[str, Any] = {"lon": [122.2] * count, "lat": [40.6] * count, name: column}
        body = write_arrow(pa.table(columns))
        if name == "datum":
            with pytest.raises(DatumError, match=r"'122\.2' and others none"):
                batches.answer(body, ARROW)
        else:
            answer = pa.ipc.open_stream(batches.answer(body, ARROW)).read_all()
            missing = [one == "missing" for one in answer["suspect"].to_pylist()]
            assert missing == [False, True] * (count // 2)


def test_dictionaries_of_each_batch(batches: Batches) -> None:
    """Degrees and datums may be told by another dictionary in each batch of rows."""
    lon, lat = (float(one) for one in from_wgs84(*place(15, 15), "gcj02"))
    parts = [
        pa.table({"lon": texts, "lat": [lat] * 2, "datum": ["gcj02"] * 2})
        for texts in ([str(lon), "x"], ["y", str(lon)], [None, None])
    ]
    coded = [
        part.set_column(0, "lon", part["lon"].cast(pa.string()).dictionary_encode()).set_column(
            2, "datum", part["datum"].dictionary_encode()
        )
        for part in parts
    ]
    body = write_arrow(pa.concat_tables(coded))
    answer = pa.ipc.open_stream(batches.answer(body, ARROW)).read_all()
    placed = [one in ("inside", "border") for one in answer["match"].to_pylist()]
    assert placed == [True, False, False, True, False, False]
    long = pa.array(["g" * 101]).dictionary_encode()
    with pytest.raises(TableError, match="column datum holds a name of 101 bytes"):
        batches.answer(write_arrow(pa.table({"lon": [1], "lat": [1], "datum": long})), ARROW)
