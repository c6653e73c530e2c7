"""What a service tells of a plan, kept in a file beside it."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
import shapely

import gridmap.store
from gridmap.errors import PlanDamagedError
from gridmap.prepared import prepare_plan
from gridmap.store import PlanStore


@pytest.fixture
def kept(tmp_path, four_by_two):
    """Keep a plan "a" that nobody asked for yet."""
    store = PlanStore(tmp_path)
    store.keep(four_by_two, "a")
    return store


def list_features(features):
    """Return features in a form that compares."""
    shapes = list(shapely.to_wkb(features.shapes))
    return features.ids, features.bounds.tolist(), tuple(features.texts), shapes


def list_prepared(prepared):
    """Return all of what is prepared in a form that compares."""
    layers = {layer: list_features(prepared.layers[layer]) for layer in prepared.layers}
    return (
        *(prepared.rules, prepared.metric, dict(prepared.told), dict(prepared.retired)),
        *(list_features(prepared.grids), layers, prepared.document, prepared.document_gzip),
    )


def test_file_equals_the_plan(kept):
    """What comes from the file is what is worked out from the plan, also the second time."""
    expected = list_prepared(prepare_plan(kept.load("a")))
    assert list_prepared(kept.prepared("a")) == expected
    assert list_prepared(kept.prepared("a")) == expected


def test_texts_are_a_sequence(kept):
    """Texts of the file are found from the end, and by slices, as in a tuple."""
    texts, whole = kept.prepared("a").grids.texts, prepare_plan(kept.load("a")).grids.texts
    assert (texts[-1], texts[1:3]) == (whole[-1], whole[1:3])
    with pytest.raises(IndexError):
        texts[len(whole)]


def test_the_plan_is_not_read_again(kept, monkeypatch):
    """After publication neither what is told nor the locator needs the GeoPackage."""
    kept.publish("a", date(2026, 3, 1), by="planner", today=date(2026, 3, 1))

    def refuse(*_args):
        raise AssertionError("the GeoPackage was read")

    monkeypatch.setattr(gridmap.store, "_hash_file", refuse)
    monkeypatch.setattr(gridmap.packages.pyogrio, "read_dataframe", refuse)
    kept.locator("a")
    assert kept.prepared("a").grids.ids


@pytest.mark.parametrize("damage", ["cut", "foreign", "older", "of another plan"])
def test_a_wrong_file_is_made_again(kept, damage):
    """A file that is not of this plan and version is replaced by the same bytes as before."""
    kept.prepared("a")
    path = kept.folder / "a.prepared"
    good, fingerprint = path.read_bytes(), kept.plans().loc["a", "fingerprint"].encode()
    wrong = {
        "cut": good[: len(good) // 2],
        "foreign": b"something else",
        "older": good.replace(b"GRIDMAP-INDEX 1", b"GRIDMAP-INDEX 0"),
        "of another plan": good.replace(fingerprint, b"0" * 64),
    }
    path.write_bytes(wrong[damage])
    assert path.read_bytes() != good
    assert kept.prepared("a").grids.ids
    assert path.read_bytes() == good


def test_a_plan_that_was_cut_short_is_not_told(kept):
    """What was prepared is not told of a plan's file that is damaged since."""
    kept.prepared("a")
    path = kept.folder / "a.gpkg"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(PlanDamagedError, match="cut short"):
        kept.prepared("a")


def test_two_at_once(kept):
    """Those who make the file at the same time all have the whole of it."""
    expected = list_prepared(prepare_plan(kept.load("a")))
    with ThreadPoolExecutor(2) as pool:
        for found in pool.map(lambda _: kept.prepared("a"), range(4)):
            assert list_prepared(found) == expected
    assert not list(kept.folder.glob(".*.part"))


def test_a_plan_that_was_written_to_is_looked_at_again(kept, monkeypatch):
    """A file that was only touched is believed after a look; one that was changed is damaged."""
    kept.prepared("a")
    path, looks = kept.folder / "a.gpkg", []
    verify = PlanStore._verify_file

    def look(store, name, fingerprint):
        looks.append(name)
        verify(store, name, fingerprint)

    monkeypatch.setattr(PlanStore, "_verify_file", look)
    kept.prepared("a")
    assert looks == []
    os.utime(path, ns=(1, 1))
    assert kept.prepared("a").grids.ids
    assert looks == ["a"]
    good = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(PlanDamagedError, match="was changed"):
        kept.prepared("a")
