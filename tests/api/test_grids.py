"""Grids and the base map as GeoJSON: content, choice, entity tags."""

import gzip
import json
from dataclasses import replace
from datetime import date

import pytest

from api.models import GridCollection, GridFeature, LayerCollection
from gridmap.store import PlanStore

LAYERS = ("streets", "barriers", "communities", "buildings")


def test_all_grids(client, town):
    """/grids is GeoJSON of every grid of the plan in force, and nothing but public members."""
    response = client.get("/grids")
    assert response.headers["content-type"] == "application/geo+json"
    collection = GridCollection.model_validate_json(response.content)
    assert [feature.id for feature in collection.features] == list(town.spring.grids.index)
    assert "crs" not in response.json()


def test_plan_of_a_day(client, town):
    """Autumn's grids are those of autumn, with the merged one and without its parents."""
    features = client.get("/grids", params={"at": "2026-12-31"}).json()["features"]
    assert {feature["id"] for feature in features} == set(town.autumn.grids.index)


def test_before_any_plan(client):
    """Before the first publication there is no plan, and the answer names no folder or draft."""
    response = client.get("/grids", params={"at": "2026-02-28"})
    assert (response.status_code, response.json()["code"]) == (404, "no-plan-in-force")
    assert "draft" not in response.text
    assert "tmp" not in response.text


def test_community(client, town):
    """The grids of a community, by id or name; an unknown one is a problem."""
    communities = town.spring.city.communities
    name, expected = communities.index[0], set()
    for code, grid in town.spring.grids.iterrows():
        if grid["community_id"] == name:
            expected.add(code)
    for community in (name, communities.loc[name, "name"]):
        features = client.get("/grids", params={"community": community}).json()["features"]
        assert {feature["id"] for feature in features} == expected
    response = client.get("/grids", params={"community": "没有"})
    assert (response.status_code, response.json()["code"]) == (404, "unknown-community")


def test_bbox(client):
    """The bbox of a grid finds it; one that ends just short of it does not."""
    features = client.get("/grids").json()["features"]
    westernmost = min(features, key=lambda feature: feature["bbox"][0])
    west, south, east, north = westernmost["bbox"]
    touching = f"{west - 1},{south},{west},{north}"
    short = f"{west - 1},{south},{west - 1e-7:.7f},{north}"
    found = client.get("/grids", params={"bbox": touching}).json()["features"]
    assert [feature["id"] for feature in found] == [westernmost["id"]]
    assert client.get("/grids", params={"bbox": short}).json()["features"] == []
    assert client.get("/grids", params={"bbox": f"{west},{south},{east},{north}"}).json()[
        "features"
    ]


@pytest.mark.parametrize(
    "bbox", ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "0,2,1,1", "0,0,181,1", "nan,0,1,1"]
)
def test_bad_bbox(client, bbox):
    """What is not west,south,east,north on Earth is a problem that names the bbox."""
    response = client.get("/grids", params={"bbox": bbox})
    assert response.status_code == 422
    assert response.json()["errors"][0]["parameter"] == "bbox"


def test_one_grid(client, town):
    """A grid by its code is the feature that /grids holds."""
    feature = client.get("/grids").json()["features"][1]
    response = client.get(f"/grids/{feature['id']}")
    assert response.json() == feature
    GridFeature.model_validate_json(response.content)


def test_unknown_grid(client, town):
    """A code that was never given is 404; text that is no code is refused."""
    unknown = f"{town.spring.grids.index[0][:12]}999"
    for code, status, name in ((unknown, 404, "unknown-grid"), ("12345", 422, "bad-code")):
        response = client.get(f"/grids/{code}")
        assert (response.status_code, response.json()["code"]) == (status, name)


def test_retired_grid(client, town):
    """In autumn a merged grid is gone, and the answer names what came after it."""
    [parent, _] = town.autumn.lineage.index
    assert client.get(f"/grids/{parent}").status_code == 200
    response = client.get(f"/grids/{parent}", params={"at": "2026-09-01"})
    assert (response.status_code, response.json()["code"]) == (410, "retired-grid")
    assert response.json()["successors"] == [town.autumn.lineage.loc[parent, "successors"]]


@pytest.mark.parametrize(
    "path", ["/grids", "/grids?bbox=122,40,123,41", "/layers/streets", "/layers/buildings"]
)
def test_entity_tags(client, path):
    """Who has an answer already gets 304 and no body; another plan or question has another tag."""
    first = client.get(path)
    tag = first.headers["ETag"]
    again = client.get(path, headers={"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert client.get(path, headers={"If-None-Match": '"other"'}).content == first.content
    joint = "&" if "?" in path else "?"
    assert client.get(f"{path}{joint}at=2026-09-01").headers["ETag"] != tag
    other = f"{path.partition('?')[0]}?bbox=122,40,122.1,41"
    assert client.get(other).headers["ETag"] != tag


def test_compression(client):
    """The whole document comes compressed to who asks, and equals the plain one."""
    plain = client.get("/grids", headers={"Accept-Encoding": "identity"})
    with client.stream("GET", "/grids", headers={"Accept-Encoding": "gzip"}) as response:
        packed = b"".join(response.iter_raw())
    assert "Content-Encoding" not in plain.headers
    assert response.headers["Content-Encoding"] == "gzip"
    assert len(packed) < len(plain.content) / 3
    assert gzip.decompress(packed) == plain.content


@pytest.mark.parametrize("layer", LAYERS)
def test_layers(client, town, layer):
    """Each layer has every row of the city, with public members only."""
    response = client.get(f"/layers/{layer}")
    collection = LayerCollection.model_validate_json(response.content)
    rows = getattr(town.spring.city, layer)
    assert [feature.id for feature in collection.features] == [str(key) for key in rows.index]


def test_layer_in_bbox(client):
    """A bbox chooses buildings; what meets it is whole."""
    everything = client.get("/layers/buildings").json()
    west, south, east, north = everything["bbox"]
    middle = (west + east) / 2
    part = client.get("/layers/buildings", params={"bbox": f"{west},{south},{middle},{north}"})
    assert 0 < len(part.json()["features"]) < len(everything["features"])


def test_too_many(client, monkeypatch):
    """An answer of more features than the limit is refused; exactly as many are given."""
    count = len(client.get("/layers/buildings").json()["features"])
    monkeypatch.setattr("api.routes.layers.MOST_FEATURES", count)
    assert client.get("/layers/buildings").status_code == 200
    monkeypatch.setattr("api.routes.layers.MOST_FEATURES", count - 1)
    response = client.get("/layers/buildings")
    assert (response.status_code, response.json()["code"]) == (422, "too-many-features")


def walk(value, path=""):
    """Yield every member of a document with its path."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        yield f"{path}/{key}", inner
        if isinstance(inner, dict | list):
            yield from walk(inner, f"{path}/{key}")


def test_no_building_has_households(client):
    """No answer tells the households of a building, under any name."""
    text = client.get("/layers/buildings").text
    names = {path.rsplit("/", 1)[1] for path, _ in walk(json.loads(text)["features"][0])}
    assert names - set("0123456789") == {"type", "id", "geometry", "coordinates", "properties"} | {
        "name",
        "floors",
    }
    assert "household" not in text


def test_small_counts(four_by_two, make_client, tmp_path):
    """Grids of 120 households are told at a limit of 120 and hidden at 121, in every answer."""
    store = PlanStore(tmp_path)
    for limit in (120, 121):
        rules = replace(four_by_two.rules, min_cell=limit)
        store.keep(replace(four_by_two, rules=rules), f"limit{limit}")
    for day, limit, told in ((1, 120, [120, 120, 180, 180]), (2, 121, [180, 180])):
        at = f"2026-01-0{day}"
        first_day = date.fromisoformat(at)
        store.publish(f"limit{limit}", first_day, by="王芳", today=first_day)
        client = make_client(tmp_path)
        features = client.get("/grids", params={"at": at}).json()["features"]
        counts = [feature["properties"]["households"] for feature in features]
        assert sorted(count for count in counts if count is not None) == told
        hidden = [feature for feature in features if feature["properties"]["households"] is None]
        assert all(feature["properties"]["deviation"] is None for feature in hidden)
        plan = client.get("/plans/in-force", params={"at": at}).json()
        assert (plan["households"], plan["hidden_grids"]) == (sum(told), 4 - len(told))
        for feature in hidden:
            lon, lat = feature["properties"]["label"]
            place = {"lon": lon, "lat": lat, "at": at}
            answer = client.get("/locate", params=place).json()
            assert (answer["grid_code"], answer["households"]) == (feature["id"], None)
            assert client.get(f"/grids/{feature['id']}", params={"at": at}).json() == feature


@pytest.mark.parametrize("path", ["/grids", "/grids?bbox=122,40,123,41", "/layers/streets"])
def test_day_of_change(client, path):
    """Who has an answer of today's plan gets 304 by its day too; who has an older one all of it."""
    first = client.get(path)
    changed = first.headers["Last-Modified"]
    again = client.get(path, headers={"If-Modified-Since": changed})
    assert (again.status_code, again.content) == (304, b"")
    assert (again.headers["ETag"], again.headers["Last-Modified"]) == (
        first.headers["ETag"],
        changed,
    )
    old = {"If-Modified-Since": "Thu, 01 Jan 2026 00:00:00 GMT"}
    assert client.get(path, headers=old).content == first.content


@pytest.mark.parametrize(
    "path", ["/grids", "/grids?community=x", "/layers/streets", "/tiles.json", "/openapi.json"]
)
@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_vary_once(client, path, encoding):
    """What an answer depends on is named once."""
    headers = client.get(path, headers={"Accept-Encoding": encoding}).headers
    told = [name.strip().lower() for name in headers.get("Vary", "").split(",") if name]
    assert len(told) == len(set(told))
    if path == "/grids":
        assert told == ["accept-encoding"]
