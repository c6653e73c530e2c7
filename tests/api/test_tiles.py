"""Vector tiles over HTTP: OGC API - Tiles, TileJSON, and what a browser may keep."""

import gzip

import mapbox_vector_tile
import pytest

TILES = "/tiles/WebMercatorQuad"


def get(client, address: str):
    """Return the JSON of an answer that is expected to be there."""
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    return answer.json()


def list_addresses(client, zoom: int) -> list[str]:
    """Return the address of every tile within the limits that the tileset gives for a zoom."""
    [limits] = [
        one for one in get(client, TILES)["tileMatrixSetLimits"] if one["tileMatrix"] == str(zoom)
    ]
    rows = range(limits["minTileRow"], limits["maxTileRow"] + 1)
    columns = range(limits["minTileCol"], limits["maxTileCol"] + 1)
    return [f"{TILES}/{zoom}/{row}/{column}" for row in rows for column in columns]


@pytest.mark.parametrize("zoom", [8, 12, 14, 16])
def test_every_grid_is_in_the_tiles(client, town, zoom: int) -> None:
    """At every zoom the tiles within the limits hold all grids, with the counts that are told."""
    found = {}
    for address in list_addresses(client, zoom):
        answer = client.get(address)
        assert answer.headers["content-type"] == "application/vnd.mapbox-vector-tile"
        for one in mapbox_vector_tile.decode(answer.content)["grids"]["features"]:
            found[one["properties"]["code"]] = one["properties"]["households"]
    assert found == town.spring.grids["households"].to_dict()


def test_tiles_tell_what_grids_tell(client) -> None:
    """Nothing but what /grids tells the public is in a tile."""
    answer = client.get(list_addresses(client, 14)[0])
    tile = mapbox_vector_tile.decode(answer.content)
    told = set(get(client, "/grids")["features"][0]["properties"]) | {"code"}
    for one in tile["grids"]["features"]:
        assert set(one["properties"]) <= told
    for one in tile["buildings"]["features"]:
        assert set(one["properties"]) <= {"name", "floors"}


def test_tilejson_leads_to_tiles(client) -> None:
    """The template of TileJSON 3.0 gives the same tile, and browsers may keep it for ever."""
    told = get(client, "/tiles.json")
    assert told["tilejson"] == "3.0.0"
    assert {one["id"] for one in told["vector_layers"]} >= {"grids", "communities", "streets"}
    zoom, row, column = list_addresses(client, 12)[0].split("/")[-3:]
    address = told["tiles"][0].format(z=zoom, y=row, x=column)
    answer = client.get(address)
    assert answer.content == client.get(f"{TILES}/{zoom}/{row}/{column}").content
    assert "immutable" in answer.headers["cache-control"]


def test_a_plan_by_its_name_or_by_a_day(client, town) -> None:
    """Autumn's tiles hold its merged grid; a draft's are nobody's business."""
    [address] = list_addresses(client, 8)
    for query in ("plan=autumn", "datetime=2026-10-01"):
        tile = mapbox_vector_tile.decode(client.get(f"{address}?{query}").content)
        codes = {one["properties"]["code"] for one in tile["grids"]["features"]}
        assert codes == set(town.autumn.grids.index)
    assert client.get(f"{address}?plan=draft").json()["code"] == "unknown-plan"


def test_unchanged_tiles_are_not_sent_again(client) -> None:
    """304 for who has it; without a plan in the address a browser asks each time."""
    [address] = list_addresses(client, 8)
    first = client.get(address)
    assert first.headers["cache-control"] == "no-cache"
    held = {"If-None-Match": first.headers["etag"]}
    assert client.get(address, headers=held).status_code == 304
    assert client.get(f"{address}?plan=autumn", headers=held).status_code == 200


def test_compressed_only_for_who_reads_that(client) -> None:
    """A client that does not take gzip, or says so in a weight, gets the tile as it is."""
    [address] = list_addresses(client, 8)
    packed = client.get(address)
    plain = client.get(address, headers={"Accept-Encoding": "identity"})
    for refused in ("gzip;q=0", "br, gzip ; q=0.0, *", "gzipped"):
        answer = client.get(address, headers={"Accept-Encoding": refused})
        assert "content-encoding" not in answer.headers
        assert answer.content == plain.content
    for taken in ("GZIP;q=0.5", "*", "br;q=1, gzip"):
        answer = client.get(address, headers={"Accept-Encoding": taken})
        assert answer.headers["content-encoding"] == "gzip"
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert plain.content == packed.content
    assert len(gzip.compress(plain.content)) < len(plain.content)


@pytest.mark.parametrize(
    ("address", "status"),
    [
        (f"{TILES}/8/0/0", 204),
        (f"{TILES}/7/0/0", 404),
        (f"{TILES}/17/0/0", 404),
        (f"{TILES}/8/256/0", 404),
        (f"{TILES}/8/0/256", 404),
        (f"{TILES}/8/-1/0", 400),
        (f"{TILES}/x/0/0", 400),
    ],
)
def test_tiles_beside_the_city(client, address: str, status: int) -> None:
    """Empty is 204, no such tile 404, no numbers 400."""
    assert client.get(address).status_code == status


def test_ogc_documents_fit_together(client) -> None:
    """From the list of tilesets to the tileset, its tiling scheme and its limits."""
    [listed] = get(client, "/tiles")["tilesets"]
    links = {one["rel"]: one["href"] for one in listed["links"]}
    tileset = get(client, links["self"])
    assert [one["tileMatrix"] for one in tileset["tileMatrixSetLimits"]] == [
        str(zoom) for zoom in range(8, 17)
    ]
    scheme = get(client, next(href for rel, href in links.items() if rel.endswith("scheme")))
    assert [one["id"] for one in scheme["tileMatrices"]] == [str(zoom) for zoom in range(17)]
    last = scheme["tileMatrices"][-1]
    assert last["matrixWidth"] * last["cellSize"] * 256 == pytest.approx(2 * 20037508.3427892)
    assert get(client, "/tileMatrixSets")["tileMatrixSets"][0]["id"] == scheme["id"]
    assert "{tileMatrix}/{tileRow}/{tileCol}" in links["item"]


@pytest.mark.parametrize("path", ["/tiles.json", "/tiles", TILES])
def test_what_describes_tiles_may_be_kept(client, path) -> None:
    """A client asks again with the tag and is told 304; another plan has another tag."""
    first = client.get(path)
    tag = first.headers["ETag"]
    again = client.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert client.get(f"{path}?plan=autumn").headers["ETag"] != tag
    assert client.get(path, headers={"Host": "maps.example"}).headers["ETag"] != tag


def test_a_tile_that_is_held(client) -> None:
    """The 304 of a tile says again how long it may be kept."""
    address = list_addresses(client, 12)[0]
    for query in ("", "?plan=spring"):
        first = client.get(address + query)
        again = client.get(address + query, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["Cache-Control"] == first.headers["Cache-Control"]
