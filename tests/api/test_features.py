"""OGC API - Features: what clients may rely on, both sides of every parameter, and real clients."""

import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import date

import geopandas as gpd
import numpy as np
import pytest
import shapely
import uvicorn

from api.app import create_app
from api.collections import COLLECTIONS
from gridmap.crs import from_degrees
from gridmap.geojson import frame_features

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"


def get(client, address: str, **options):
    """Return the JSON of an answer that is expected to be there."""
    answer = client.get(address, **options)
    assert answer.status_code == 200, answer.text
    return answer.json()


def items(client, collection: str, query: str = ""):
    """Return the features of a collection that a query finds."""
    return get(client, f"/collections/{collection}/items{query}")


def test_landing_page_leads_to_everything(client) -> None:
    """From the landing page a client finds the API's description, conformance and collections."""
    links = {one["rel"]: one["href"] for one in get(client, "/")["links"]}
    assert {"self", "service-desc", "conformance", "data"} <= set(links)
    for rel in ("service-desc", "conformance", "data"):
        assert client.get(links[rel]).status_code == 200
    assert any(one.endswith("/conf/cql2-text") for one in get(client, "/conformance")["conformsTo"])


def test_a_browser_is_sent_to_the_map(client) -> None:
    """Who asks for HTML is a person."""
    answer = client.get("/", headers={"Accept": "text/html,*/*"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, "map")


def test_the_public_sees_public_collections(client) -> None:
    """Units hold households of buildings: they are not even listed."""
    told = {one["id"] for one in get(client, "/collections")["collections"]}
    assert told == {name for name, one in COLLECTIONS.items() if not one.internal}
    assert client.get("/collections/units").json()["code"] == "key-needed"
    assert client.get("/collections/units/items").status_code == 401


def test_queryables_are_the_properties_that_are_there(client) -> None:
    """What a collection says that it can be asked by is what its features hold."""
    for name in ("grids", "communities", "streets", "buildings"):
        told = get(client, f"/collections/{name}/queryables")["properties"]
        properties = items(client, name, "?limit=1")["features"][0]["properties"]
        assert set(told) - {"id", "geometry"} <= set(properties), name


def test_units_are_listed_as_they_are_kept(town, make_client) -> None:
    """What the office is told of units has every property that it may ask by."""
    told = json.loads(frame_features(town.spring.units).texts[0])["properties"]
    assert set(COLLECTIONS["units"].properties) <= set(told)


def test_pages_hold_every_feature_once(client, town) -> None:
    """Following next from the first page gives each grid exactly once."""
    found, address = [], "/collections/grids/items?limit=5"
    while address:
        page = get(client, address)
        assert page["numberMatched"] == len(town.spring.grids)
        assert page["numberReturned"] == len(page["features"]) <= 5
        found += [one["id"] for one in page["features"]]
        address = next((one["href"] for one in page["links"] if one["rel"] == "next"), None)
    assert found == list(town.spring.grids.index)


def test_the_page_before_is_linked(client) -> None:
    """A later page leads back, never before the first feature."""
    links = {
        one["rel"]: one["href"] for one in items(client, "grids", "?limit=5&offset=3")["links"]
    }
    assert links["prev"].endswith("limit=5&offset=0")


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("?limit=0", "limit"),
        ("?limit=x", "limit"),
        ("?offset=-1", "offset"),
        ("?bbox=1,2,3", "bbox"),
        ("?bbox=1,4,3,2", "bbox"),
        ("?bbox=3,2,1,4&bbox-crs=EPSG:3857", "bbox"),
        ("?bbox=1,2,3,nan", "bbox"),
        ("?crs=EPSG:2154", "crs"),
        ("?bbox=1,2,3,4&bbox-crs=nowhere", "bbox-crs"),
        ("?datetime=yesterday", "datetime"),
        ("?datetime=2026-05-02/2026-05-01", "datetime"),
        ("?datetime=2026-05-01T08:00:00", "datetime"),
        ("?filter-lang=cql-json", "filter-lang"),
        ("?filter-crs=EPSG:2154", "filter-crs"),
        ("?residents=5", "residents"),
        ("?limit=5&limit=6", "limit"),
        ("?area=large", "area"),
        ("?area=nan", "area"),
        ("?area=1e999", "area"),
    ],
)
def test_wrong_parameters_are_bad_requests(client, query: str, parameter: str) -> None:
    """400 with the parameter's name, as the standard wants it; never a guess."""
    answer = client.get(f"/collections/grids/items{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad-parameter")
    assert answer.json()["errors"][0]["parameter"] == parameter


def test_a_large_limit_means_the_most(client, town) -> None:
    """The standard lets a server give less than is asked for."""
    assert items(client, "grids", "?limit=999999")["numberReturned"] == len(town.spring.grids)


def test_filters_and_properties_are_one_condition(client, town) -> None:
    """CQL2 and a property's own parameter both have to hold; quotes do no harm."""
    grids = town.spring.grids
    found = items(client, "grids", "?filter=households > 300&grid_type=base")["features"]
    assert {one["id"] for one in found} == set(grids.index[grids["households"] > 300])
    first = grids.index[0]
    assert items(client, "grids", f"?filter=id = '{first}'")["numberMatched"] == 1
    assert items(client, "grids", "?community=O'Hara' OR TRUE")["numberMatched"] == 0


def test_a_bad_filter_is_a_bad_request(client) -> None:
    """The answer says what is wrong with it."""
    answer = client.get("/collections/grids/items?filter=residents > 5")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad-filter")
    assert "residents" in answer.json()["detail"]


@pytest.mark.parametrize("text", ["", "area > 1) OR (area > 2"])
def test_a_filter_stands_for_itself(client, text: str) -> None:
    """What is no filter by itself is none beside a property, and is quoted as it was sent."""
    params = {"filter": text, "area": "1"}
    answer = client.get("/collections/grids/items", params=params)
    assert answer.json()["code"] == "bad-filter"
    assert repr(text) in answer.json()["detail"]


@pytest.mark.parametrize(
    ("when", "grids"),
    [
        ("2026-03-01", 12),
        ("2026-08-31T15:59:59Z", 12),  # 23:59:59 in China
        ("2026-08-31T16:00:00Z", 11),  # midnight in China: the plan of September
        ("2026-05-01/2026-10-01", 11),
        ("../2026-08-31", 12),
        ("2026-09-01/..", 11),
    ],
)
def test_datetime_picks_the_plan(client, when: str, grids: int) -> None:
    """A day begins in China; of an interval the last plan counts."""
    assert items(client, "grids", f"?datetime={when}")["numberMatched"] == grids


def test_before_the_first_plan_there_is_nothing(client) -> None:
    """404, not an empty list that looks like a city without grids."""
    answer = client.get("/collections/grids/items?datetime=2020-01-01")
    assert (answer.status_code, answer.json()["code"]) == (404, "no-plan-in-force")


def test_coordinates_in_other_systems(client, town) -> None:
    """EPSG:4490 has latitude first, the plan's own system is exact to 2 cm, north first."""
    code = town.spring.grids.index[0]
    plain = get(client, f"/collections/grids/items/{code}")
    turned = client.get(f"/collections/grids/items/{code}?crs=EPSG:4490")
    assert turned.headers["content-crs"] == "<http://www.opengis.net/def/crs/EPSG/0/4490>"
    lon, lat = plain["geometry"]["coordinates"][0][0]
    assert turned.json()["geometry"]["coordinates"][0][0] == [lat, lon]
    metric = get(client, f"/collections/grids/items/{code}?crs=EPSG:4550")
    shape = shapely.transform(shapely.geometry.shape(metric["geometry"]), lambda xy: xy[:, ::-1])
    assert shapely.hausdorff_distance(shape, town.spring.grids.geometry.iloc[0]) < 0.02


def test_bbox_in_other_systems(client, town) -> None:
    """The same box finds the same grids, whatever system it is written in."""
    west, south, east, north = town.spring.grids.to_crs("EPSG:4326").total_bounds
    half = (west + east) / 2
    plain = items(client, "grids", f"?bbox={west},{south},{half},{north}")
    turned = items(client, "grids", f"?bbox={south},{west},{north},{half}&bbox-crs=EPSG:4326")
    assert 0 < plain["numberMatched"] < len(town.spring.grids)
    assert [one["id"] for one in turned["features"]] == [one["id"] for one in plain["features"]]


def test_bbox_across_the_meridian(client, town) -> None:
    """A box whose west is above its east goes round the other way, in every system of degrees."""
    west, south, east, north = town.spring.grids.to_crs("EPSG:4326").total_bounds
    half = (west + east) / 2
    for query in (
        f"?bbox=179,{south},{half},{north}",
        f"?bbox={south},179,{north},{half}&bbox-crs=EPSG:4490",
    ):
        around = items(client, "grids", query)
        plain = items(client, "grids", f"?bbox={west},{south},{half},{north}")
        assert 0 < plain["numberMatched"] < len(town.spring.grids)
        assert around["features"] == plain["features"]
    assert items(client, "grids", "?bbox=179,40,-179,41")["numberMatched"] == 0
    assert get(client, f"/grids?bbox=179,{south},{half},{north}")["features"]


def test_shapes_of_a_filter_in_other_systems(client, town) -> None:
    """The same shape finds the same grids, in every system that the collection lists."""
    grids = town.spring.grids.to_crs("EPSG:4326")
    place = grids.geometry.iloc[0].representative_point()
    shape = place.buffer(0.0008, quad_segs=4)
    west, south, east, north = shape.bounds
    for crs in get(client, "/collections/grids")["crs"]:
        [moved] = from_degrees(np.array([shape]), crs) if "CRS84" not in crs else [shape]
        box = f"{west},{south},{east},{north}"
        if crs.endswith(("4326", "4490")):
            box = f"{south},{west},{north},{east}"
        boxed = f"BBOX({box})" if "EPSG" not in crs or crs.endswith(("4326", "4490")) else ""
        for text in filter(None, (moved.wkt, f"GEOMETRYCOLLECTION({moved.wkt})", boxed)):
            query = {
                "filter": f"S_INTERSECTS(geometry, {text})",
                "filter-crs": crs,
                "grid_type": "base",
            }
            answer = client.get("/collections/grids/items", params=query)
            assert answer.status_code == 200, answer.text
            found = {one["id"] for one in answer.json()["features"]}
            other = shape if text is not boxed else shapely.box(*shape.bounds)
            assert found == set(grids.index[grids.intersects(other)])
    for wrong in ("POINT(1e30 1e30)", "POLYGON((1 1, 2 2, 3 3))"):
        query = {"filter": f"S_INTERSECTS(geometry, {wrong})", "filter-crs": crs}
        assert client.get("/collections/grids/items", params=query).status_code == 400


def test_what_describes_the_api_says_what_it_is(client) -> None:
    """The link and the answer name one type and version, and no class is claimed for another."""
    [link] = [one for one in get(client, "/")["links"] if one["rel"] == "service-desc"]
    answer = client.get(link["href"])
    assert answer.headers["content-type"] == link["type"]
    assert link["type"].endswith(f"version={answer.json()['openapi'].rpartition('.')[0]}")
    claimed = get(client, "/conformance")["conformsTo"]
    assert not [one for one in claimed if "/oas3" in one]


def test_unchanged_answers_are_not_sent_again(client) -> None:
    """An entity tag and a date of the last change; 304 for who has it already."""
    first = client.get("/collections/grids/items?limit=2")
    assert first.headers["last-modified"].endswith("GMT")
    held = {"If-None-Match": first.headers["etag"]}
    assert client.get("/collections/grids/items?limit=2", headers=held).status_code == 304
    assert client.get("/collections/grids/items?limit=3", headers=held).status_code == 200


def test_a_retired_grid_names_its_successors(make_client, town) -> None:
    """In autumn two grids were merged: 410 with what came after them."""
    app = make_client(town.folder, today=lambda: date(2026, 10, 1))
    gone = set(town.spring.grids.index) - set(town.autumn.grids.index)
    answer = app.get(f"/collections/grids/items/{gone.pop()}")
    assert answer.status_code == 410
    assert answer.json()["successors"]


def test_unknown_things_are_not_found(client) -> None:
    """Each with a code of its own."""
    assert client.get("/collections/nothing/items").json()["code"] == "unknown-collection"
    for name in ("streets", "grids"):
        answer = client.get(f"/collections/{name}/items/nothing")
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown-feature")


# --- the office ----------------------------------------------------------------------------------


@pytest.fixture
def office(town, tmp_path, make_client, bearer):
    """Return a client, and a function that makes the header of a viewer's key for districts."""
    folder = shutil.copytree(town.folder, tmp_path / "town")

    def header(*districts: str) -> dict[str, str]:
        return bearer(folder, "viewer", districts=districts)

    return make_client(folder), header


def test_units_are_for_the_office_and_recorded(office, town) -> None:
    """With a key every unit is listed, and the log says who looked at which plan."""
    client, header = office
    key = header()
    page = items_with(client, key)
    assert page["numberMatched"] == len(town.spring.units)
    told = sum(one["properties"]["households"] for one in page["features"])
    assert told == town.spring.units["households"].sum()
    listed = get(client, "/collections", headers=key)["collections"]
    assert "units" in {one["id"] for one in listed}
    [entry] = client.app.state.audit.entries().to_dict("records")
    assert (entry["action"], entry["subject"]) == ("look-up", "units")


def items_with(client, key, query: str = "?limit=10000"):
    """Return the units that a key may see."""
    return get(client, f"/collections/units/items{query}", headers=key)


def test_a_district_sees_its_own_units(office) -> None:
    """A key for another district sees none, and can't name one either."""
    client, header = office
    assert items_with(client, header("210811"))["numberMatched"] == 0
    assert items_with(client, header("210802"))["numberMatched"] > 0
    answer = client.get("/collections/units/items/0", headers=header("210811"))
    assert answer.status_code == 404


def test_units_are_not_kept_by_caches(office) -> None:
    """What is for the office stays out of shared caches."""
    client, header = office
    answer = client.get("/collections/units/items?limit=1", headers=header())
    assert answer.headers["cache-control"] == "no-store"


# --- real clients --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def address(town) -> Iterator[str]:
    """Serve the town on a free port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app = create_app(town.folder, today=lambda: date(2026, 5, 1))
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


def run_gdal(*arguments: str) -> str:
    """Run one of GDAL's tools; without them the test is skipped."""
    if shutil.which(arguments[0]) is None:
        pytest.skip(f"no {arguments[0]}")
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_gdal_reads_collections_and_pages(address: str, town, tmp_path) -> None:
    """GDAL's OAPIF driver lists every public collection and reads all grids page by page."""
    told = run_gdal("ogrinfo", f"OAPIF:{address}")
    assert all(f": {name}" in told for name in ("grids", "communities", "stations"))
    out = tmp_path / "grids.gpkg"
    run_gdal("ogr2ogr", str(out), f"OAPIF:{address}", "grids", "-oo", "PAGE_SIZE=5")
    grids = gpd.read_file(out).to_crs(town.spring.grids.crs)
    own = town.spring.grids
    assert grids["households"].sum() == own["households"].sum()
    areas = dict(zip(grids["name"], grids.area, strict=True))
    assert [areas[name] for name in own["name"]] == pytest.approx(own.area.tolist(), rel=1e-3)


def test_gdal_leaves_filters_to_the_service(address: str, town) -> None:
    """An attribute filter of GDAL's finds what the same filter finds here."""
    told = run_gdal(
        "ogrinfo", "-ro", "-q", "-where", "households > 300", f"OAPIF:{address}", "grids"
    )
    large = int((town.spring.grids["households"] > 300).sum())
    assert told.count("OGRFeature(") == large > 0


def test_owslib_reads_items(address: str, town) -> None:
    """OWSLib finds the collections and the features, with a filter in CQL2 text."""
    features = pytest.importorskip("owslib.ogcapi.features")
    client = features.Features(address)
    assert "grids" in client.feature_collections()
    found = client.collection_items("grids", limit=3, filter="households > 300")
    assert found["numberReturned"] == 3
    code = town.spring.grids.index[0]
    assert client.collection_item("grids", code)["id"] == code
    assert "households" in client.collection_queryables("grids")["properties"]
