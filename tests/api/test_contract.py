"""The service keeps what its OpenAPI document promises: schemathesis asks what it can think of."""

import shutil
from datetime import date
from tempfile import mkdtemp

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import CHECKS

from api.app import create_app
from api.settings import Settings
from gridmap.keys import KeyStore, Role

#: The document is the same over any folder, so it is read before there is a town.
DOCUMENT = schemathesis.openapi.from_asgi("/openapi.json", create_app(mkdtemp()))
#: To the document a day, a filter or a code is any text; what is none is refused all the same.
ANY_TEXT = CHECKS.get_one("positive_data_acceptance")
FEW = settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def headers(town, tmp_path_factory):
    """Let the document ask a town's service without limits; return a key's headers by role."""
    folder = shutil.copytree(town.folder, tmp_path_factory.mktemp("asked") / "town")
    DOCUMENT.app = create_app(
        Settings(store=folder, rate=0, key_rate=0, wrong_keys=10**9, stream_seconds=0.1),
        today=lambda: date(2026, 5, 1),
    )
    keys = KeyStore(folder)
    whose = {Role.WORKER: "w1"}
    made = {
        role: keys.add(role.word, role, worker_id=whose.get(role, ""), by="test")
        for role in Role
        if role > Role.PUBLIC
    }
    return {Role.PUBLIC: {}} | {role: {"X-API-Key": text} for role, text in made.items()}


@pytest.mark.filterwarnings("ignore:Skipped test cases with unsupported payload media types")
@DOCUMENT.parametrize()
@FEW
def test_every_operation(case, headers):
    """Whoever asks whatever is answered as described: status, type and body, and never a fault."""
    for role in Role:
        case.call_and_validate(headers=headers[role], excluded_checks=[ANY_TEXT])
