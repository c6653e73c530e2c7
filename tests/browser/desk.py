"""A served town with grid workers, liaisons, keys and a casebook, for the pages of cases."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import httpx
import pandas as pd

from gridmap.keys import KeyStore
from gridmap.plan import Plan
from gridmap.store import PlanStore
from tests.api.test_staff import make_staffing, make_workers
from tests.browser.site import TODAY

WORKER = "w1"
KEY = "sessionStorage.setItem('gridmap-key', '{}')"


@dataclass
class Desk:
    """A served casebook, and what a test does with it from outside."""

    site: str
    code: str
    place: tuple[float, float]
    key: str
    viewer: str
    worker: str

    def ask(self, path, **parameters):
        """Return what the office is told."""
        return self._call("GET", path, params=parameters)

    def open(self, category="市容环境", *, metres=0.0, words="垃圾没人收"):
        """Open a case in the staffed grid, some metres north of its middle; return its number."""
        lon, lat = self.place
        body = {
            "category": category,
            "location": {"lon": lon, "lat": lat + metres / 111_000},
            "description": words,
        }
        return self._call("POST", "cases", json=body)["case_id"]

    def step(self, number, action, **more):
        """Do a step as the community."""
        version = self.ask(f"internal/cases/{number}")["case"]["version"]
        body = {"action": action, "version": version, "role": "community", **more}
        return self._call("POST", f"internal/cases/{number}/steps", json=body)

    def log(self, number):
        """Return what was done of a case, and by whom."""
        entries = self.ask(f"internal/cases/{number}")["log"]
        return [(entry["action"], entry["actor"]) for entry in entries]

    def total(self):
        """Return how many cases there are."""
        return self.ask("internal/cases", standing="all", limit=1)["total"]

    def _call(self, method, path, **options):
        headers = {"Authorization": f"Bearer {self.key}"}
        with httpx.Client(trust_env=False) as client:
            answer = client.request(method, f"{self.site}/{path}", headers=headers, **options)
        answer.raise_for_status()
        return answer.json()


def keep_town(town: Plan, folder: Path, code: str) -> PlanStore:
    """Keep a town, and who serves one of its grids."""
    store = PlanStore(folder)
    store.keep(town, "spring")
    store.publish("spring", TODAY, by="王芳", today=TODAY)
    liaison = [town.grids.at[code, "community_id"], "供电", "客户经理", "赵敏", "95598"]
    columns = ["community_id", "department", "post", "name", "phone"]
    tables = {
        "workers": make_workers(),
        "staffing": make_staffing(code),
        "liaisons": pd.DataFrame([liaison], columns=columns),
    }
    store.keep_staff("spring", tables, date(2026, 5, 1), by="王芳", today=TODAY)
    return store


def make_keys(folder: Path) -> tuple[str, str, str]:
    """Return a planner's key, a viewer's, and the worker's own."""
    keys = KeyStore(folder)
    return (
        keys.add("指挥中心", "planner", by="王芳"),
        keys.add("大屏", "viewer", by="王芳"),
        keys.add("王芳的手机", "worker", worker_id=WORKER, by="王芳"),
    )
