"""The report: worst first, grouped, and complete as data."""

import json

import pytest

from gridmap.reading.findings import CityReport, Finding, find_rows


def rows(number, action, problem="too high"):
    """Return findings of one kind."""
    ids = [f"b{at}" for at in range(number)]
    return find_rows("buildings", ids, "floors", range(number), problem=problem, action=action)


@pytest.mark.parametrize(
    ("actions", "status"),
    [
        ([], "clean"),
        (["noted"], "clean"),
        (["noted", "repaired"], "repaired"),
        (["repaired", "refused", "noted"], "refused"),
    ],
)
def test_status_is_the_worst(actions, status):
    """What was only noted leaves a city clean; one refusal refuses it."""
    findings = tuple(Finding("a", "", "", "", "p", action) for action in actions)
    assert CityReport(findings).status == status


def test_text_is_grouped_worst_first():
    """Five rows of a kind are listed, the others counted; no sign where there is no value."""
    odd = Finding("streets", "", "street_id", "", "no ids", "noted")
    report = CityReport((odd, *rows(7, "refused"), *rows(1, "repaired")), {"households_in": 1200})
    assert report.to_text().splitlines() == [
        "city: refused",
        "households_in 1,200",
        "refused: buildings: too high (7)",
        *(f"    b{at}: floors = {at}" for at in range(5)),
        "    and 2 more",
        "repaired: buildings: too high (1)",
        "    b0: floors = 0",
        "noted: streets: no ids (1)",
        "    street_id",
    ]


def test_data_is_complete():
    """As data nothing is left out, and it is JSON."""
    report = CityReport(tuple(rows(7, "noted")), {"streets": 0})
    data = json.loads(json.dumps(report.to_dict()))
    assert data["status"] == "clean"
    assert data["counts"] == {"streets": 0}
    assert [finding["row"] for finding in data["findings"]] == [f"b{at}" for at in range(7)]
    assert set(data["findings"][0]) == {"layer", "row", "column", "value", "problem", "action"}


def test_share_of_estimated_households():
    """Beside the households that were estimated stands their share of all."""
    counts = {"households_in": 200, "households_estimated": 25}
    assert CityReport((), counts).to_text().endswith("households_estimated 25 (12.5%)")
    none = CityReport((), {"households_in": 0, "households_estimated": 0})
    assert none.to_text().endswith("households_estimated 0")
