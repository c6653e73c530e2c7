"""What goes wrong under a running service: killed writers, full disks, plans that change."""

import json
import multiprocessing
import os
import resource
import shutil
import signal
import threading
import time
from collections import Counter

import httpx
import pytest

from gridmap.audit import AuditLog
from gridmap.days import today_in_china
from gridmap.errors import PlanDamagedError, StoreError
from gridmap.keys import KeyStore
from gridmap.store import PlanStore
from tests.api.test_app import publish_two
from tests.api.test_main import ask_patiently, serve

TODAY = today_in_china()
SPAWN = multiprocessing.get_context("spawn")


# --- killed --------------------------------------------------------------------------------------


def write_until_killed(folder):
    """Append entries and make keys until somebody kills the process; tell of each that is done."""
    log, keys = AuditLog(folder), KeyStore(folder)
    for number in range(10_000):
        log.append("w", "look-up", str(number))
        keys.add(f"key {number}", "viewer", by="w")
        (folder / "told").write_text(str(number))
        (folder / "told").replace(folder / "done")  # whole, whenever it is read


def test_killed_writers_lose_nothing(tmp_path):
    """Writers killed at any moment leave a whole chain, and all keys and entries they finished."""
    finished = 0
    for moment in range(3):
        (tmp_path / "done").unlink(missing_ok=True)
        writer = SPAWN.Process(target=write_until_killed, args=(tmp_path,))
        writer.start()
        while not (tmp_path / "done").exists():
            assert writer.is_alive()
            time.sleep(0.005)
        time.sleep(0.017 * moment)
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        finished += int((tmp_path / "done").read_text()) + 1
        report = AuditLog(tmp_path).verify()
        assert report.whole, report.to_text()
        assert report.entries >= finished
        assert len(KeyStore(tmp_path).keys()) >= finished
    AuditLog(tmp_path).append("after", "look-up", "1")
    assert AuditLog(tmp_path).verify().whole


def publish_until_killed(folder):
    """Publish one plan and the other in turn, until somebody kills the process."""
    store = PlanStore(folder)
    for number in range(10_000):
        store.publish(("old", "new")[number % 2], TODAY, by="w", why=str(number))


def test_killed_publishers_under_a_running_service(tmp_path, four_by_two):
    """While publishers are killed at any moment, the service answers wholly from one plan."""
    publish_two(tmp_path, four_by_two, today=TODAY)
    store = PlanStore(tmp_path)
    with serve(tmp_path) as (address, _):
        ask_patiently(f"{address}/health")
        for moment in range(2):
            publisher = SPAWN.Process(target=publish_until_killed, args=(tmp_path,))
            before = len(store.publications())
            publisher.start()
            while len(store.publications()) == before:
                assert publisher.is_alive()
                time.sleep(0.005)
            time.sleep(0.019 * moment)
            os.kill(publisher.pid, signal.SIGKILL)
            publisher.join()
            name = store.name_in_force(TODAY)
            answer = httpx.get(f"{address}/grids", trust_env=False)
            names = {f["properties"]["name"].split()[0] for f in answer.json()["features"]}
            assert names == {name}
    store.publish("old", TODAY, by="test")


# --- full ----------------------------------------------------------------------------------------


class FullDisk:
    """While it is entered, no file grows beyond some bytes, as on a disk that is full."""

    def __init__(self, most):
        self._most = most

    def __enter__(self):
        self._before = resource.getrlimit(resource.RLIMIT_FSIZE)
        self._handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self._most, self._before[1]))

    def __exit__(self, *_):
        resource.setrlimit(resource.RLIMIT_FSIZE, self._before)
        signal.signal(signal.SIGXFSZ, self._handler)


@pytest.mark.parametrize("most", [0, 4096, 20_000])
def test_full_key_store(tmp_path, most):
    """On a full disk no key is made or shown; those that are there open what they did."""
    keys = KeyStore(tmp_path)
    text = keys.add("first", "viewer", by="test")
    with FullDisk(most), pytest.raises((StoreError, OSError)):
        for number in range(500):
            keys.add(f"key {number}", "viewer", by="test")
    assert keys.check(text) is not None
    known = len(keys.keys())
    keys.close()
    again = KeyStore(tmp_path)
    assert again.check(text) is not None
    assert len(again.keys()) == known
    later = again.add("later", "admin", by="test")
    assert again.check(later) is not None
    again.close()


@pytest.mark.parametrize("most", [0, 50, 4096, 20_000])
def test_full_audit_log(tmp_path, most):
    """On a full disk nothing is recorded by half; afterwards the log goes on, whole."""
    log = AuditLog(tmp_path)
    log.append("w", "look-up", "first")
    count = 1
    with FullDisk(most), pytest.raises(StoreError):
        for number in range(500):
            log.append("w", "look-up", str(number))
            count += 1
    assert log.verify().whole
    log.append("w", "look-up", "later")
    assert log.verify().whole
    assert len(log.entries()) >= count + 1
    log.close()


def test_no_internal_answer_on_a_full_disk(make_client, tmp_path, four_by_two, bearer):
    """Where a look-up can't be recorded it is refused; the public is served on."""
    publish_two(tmp_path, four_by_two)
    client, headers = make_client(tmp_path), bearer(tmp_path, "viewer")
    code = four_by_two.grids.index[0]
    path = f"/internal/grids/{code}"
    assert client.get(path, headers=headers).status_code == 200
    with FullDisk(0):
        answer = client.get(path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (503, "store-unavailable")
        assert client.get(f"/grids/{code}").status_code == 200
    assert client.get(path, headers=headers).status_code == 200


# --- torn ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", [1, 100, 5000])
def test_torn_tail_of_the_audit_log(tmp_path, cut):
    """A log whose end was torn off says so, stays readable, and goes on with a note of it."""
    (tmp_path / "whole").mkdir()
    log = AuditLog(tmp_path / "whole")
    for number in range(30):
        log.append("w", "look-up", str(number))
    torn = shutil.copytree(tmp_path / "whole", tmp_path / "torn")
    log.close()
    wal = torn / "audit.sqlite-wal"
    os.truncate(wal, wal.stat().st_size - cut)
    rest = AuditLog(torn)
    report = rest.verify()
    assert report.broken == report.entries + 1
    assert "cut off" in report.problem
    assert report.entries < 30
    rest.append("w", "look-up", "later")
    assert rest.verify().gaps == (report.entries + 1,)
    assert json.loads(rest.entries()["facts"].iloc[-2])["lost"].startswith("30:")
    rest.close()


def test_torn_plan_under_a_running_service(make_client, tmp_path, four_by_two):
    """A file that is cut short while its plan is served hurts nobody; the next start refuses it."""
    store = publish_two(tmp_path, four_by_two)
    client = make_client(tmp_path)
    assert client.get("/grids").status_code == 200
    path = tmp_path / "old.gpkg"
    path.chmod(0o644)
    os.truncate(path, path.stat().st_size // 2)
    assert client.get("/grids").status_code == 200
    assert make_client(tmp_path).get("/grids").json()["code"] == "plan-damaged"
    with pytest.raises(PlanDamagedError):
        store.load("old")


# --- changed -------------------------------------------------------------------------------------


def test_plans_change_under_load(tmp_path, four_by_two):
    """Two processes under many threads: while plans change, no request fails or sees two."""
    store = publish_two(tmp_path, four_by_two, today=TODAY)
    seen: Counter[str] = Counter()
    wrong = []
    stop = threading.Event()

    def hammer(address):
        with httpx.Client(base_url=address, trust_env=False, timeout=60) as client:
            while not stop.is_set():
                answer = client.get("/grids")
                if answer.status_code != 200:
                    wrong.append((answer.status_code, answer.text[:200]))
                    return
                features = answer.json()["features"]
                names = {feature["properties"]["name"].split()[0] for feature in features}
                seen["".join(sorted(names))] += 1

    with serve(tmp_path, "--workers", "2", "--rate", "0") as (address, _):
        ask_patiently(f"{address}/health")
        threads = [threading.Thread(target=hammer, args=(address,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for number in range(6):
            time.sleep(0.3)
            store.publish(("new", "old")[number % 2], TODAY, by="test")
        stop.set()
        for thread in threads:
            thread.join()
    assert not wrong
    assert set(seen) == {"old", "new"}
