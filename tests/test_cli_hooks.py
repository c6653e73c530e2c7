"""The commands of webhooks."""

from pathlib import Path

from typer.testing import CliRunner

from gridmap.audit import AuditLog
from gridmap.cli import app
from gridmap.days import today_in_china
from gridmap.errors import HookError
from gridmap.store import PlanStore
from tests.towns import make_four_by_two

URL = "https://dispatch.example/cases"


def test_hooks(tmp_path: Path) -> None:
    """Add shows the secret once; list, deliveries and remove tell what there is; all is audited."""
    store = PlanStore(tmp_path)
    store.keep(make_four_by_two(), "plan")
    store.publish("plan", today_in_china(), by="王芳")

    def run(*words: str):
        return CliRunner().invoke(app, ["hooks", words[0], str(tmp_path), *words[1:]])

    refused = run("add", URL)
    assert isinstance(refused.exception, HookError)
    added = run("add", URL, "--hosts", "dispatch.example", "--action", "open", "--by", "王芳")
    assert added.exit_code == 0
    secret = added.stdout.split()[-1]
    assert len(secret) == 43
    listed = run("list").stdout
    assert f"1  {URL}  open  waiting 0  failed 0" in listed
    assert secret not in listed
    assert run("deliveries").stdout == "no delivery\n"
    assert run("remove", "1", "--by", "王芳").exit_code == 0
    assert run("list").stdout == "no webhook\n"
    whos = AuditLog(tmp_path).entries(action="add hook")["who"].tolist()
    assert "王芳" in whos
