"""GET and POST /search: what the public is told of what a person types."""

import pytest

from gridmap.search import search


def test_same_as_the_library(client, town):
    """The route answers what the verb does, with the plan and the day."""
    name = town.spring.grids["name"].iloc[0]
    answer = client.get("/search", params={"q": name}).json()
    assert (answer["plan"], answer["as_of"]) == ("spring", "2026-05-01")
    best = answer["results"][0]
    code = town.spring.grids.index[0]
    assert (best["kind"], best["code"], best["grid"]) == (
        "grid",
        code,
        {"code": code, "name": name},
    )
    shelf = client.app.state.shelf
    found = search(shelf._get_index("spring"), name)
    assert [row["address"] for row in answer["results"]] == [one.place.address for one in found]


def test_buildings_without_households(client, town):
    """A building's address leads to its grid; nothing tells how many live there."""
    buildings = town.spring.city.buildings
    row = buildings[(buildings["compound_id"] != "") & (buildings["households"] > 0)].iloc[0]
    response = client.get("/search", params={"q": f"{row['compound_id']}{row['name']}"})
    best = response.json()["results"][0]
    assert (best["kind"], best["name"]) == ("building", row["name"])
    assert row["compound_id"] in best["address"]
    located = client.get("/locate", params={"lon": best["lon"], "lat": best["lat"]}).json()
    assert best["grid"]["code"] == located["grid_code"]
    assert "households" not in response.text


def test_by_post(client, town):
    """What is searched for in a body is in no address; neither answer is stored on the way."""
    name = town.spring.city.communities["name"].iloc[0]
    got = client.get("/search", params={"q": name, "limit": 3})
    posted = client.post("/search", json={"q": name, "limit": 3})
    assert posted.json() == got.json()
    assert len(got.json()["results"]) == 3
    assert posted.headers["Cache-Control"] == got.headers["Cache-Control"] == "no-store"


def test_position(client):
    """A position answers with its grid; one outside says what may be wrong."""
    lon, lat = client.get("/grids").json()["features"][0]["properties"]["label"]
    [found] = client.get("/search", params={"q": f"{lon},{lat}"}).json()["results"]
    assert (found["kind"], found["grid"]["code"], found["hint"]) == (
        *("position", client.get("/locate", params={"lon": lon, "lat": lat}).json()["grid_code"]),
        None,
    )
    [swapped] = client.get("/search", params={"q": f"{lat},{lon}"}).json()["results"]
    assert (swapped["grid"], "swapped" in swapped["hint"]) == (None, True)


def test_nothing(client):
    """What fits nothing is an empty answer, not an error."""
    assert client.get("/search", params={"q": "qqqq"}).json()["results"] == []


@pytest.mark.parametrize(
    ("parameters", "parameter"),
    [({}, "q"), ({"q": ""}, "q"), ({"q": "x" * 101}, "q"), ({"q": "x", "limit": 51}, "limit")],
)
def test_bad_parameter(client, parameters, parameter):
    """A missing or too long question is a problem that names the parameter."""
    response = client.get("/search", params=parameters)
    assert (response.status_code, response.json()["code"]) == (422, "bad-parameter")
    assert [error["parameter"] for error in response.json()["errors"]] == [parameter]


def test_day(client, town):
    """`at` chooses the plan: a grid that autumn merged away is found in spring only."""
    gone = next(code for code in town.spring.grids.index if code not in town.autumn.grids.index)
    for at, count in (("2026-05-01", 1), ("2026-09-01", 0)):
        rows = client.get("/search", params={"q": gone, "at": at}).json()["results"]
        assert len([row for row in rows if row["code"] == gone]) == count
