"""Settings: from options and from the environment, typed, and the same in every process."""

from pathlib import Path

import pytest

from api.settings import Settings, read_settings, write_environment


def test_environment(tmp_path):
    """What the command line leaves out comes from the environment; what it says counts."""
    environment = {
        "GRIDMAP_STORE": str(tmp_path),
        "GRIDMAP_APPROVAL": "审图号",
        "GRIDMAP_RATE": "5",
        "GRIDMAP_TRUSTED_PROXIES": "10.0.0.1, 10.1.0.0/16",
        "HOME": "/root",
    }
    settings = read_settings(["--rate", "7.5"], environment)
    assert (settings.store, settings.approval, settings.rate) == (tmp_path, "审图号", 7.5)
    assert settings.trusted_proxies == ("10.0.0.1", "10.1.0.0/16")
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 8000, 1)
    assert settings.allowed_origins == ()


@pytest.mark.parametrize("arguments", [[], ["/no/such/folder"]])
def test_no_folder(capsys, arguments):
    """Without a folder that exists it says what to do, and does not start."""
    with pytest.raises(SystemExit, match="2"):
        read_settings(arguments, {})
    assert "folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "70000"], "--port 70000"),
        (["--workers", "0"], "--workers 0"),
        (["--rate", "fast"], "--rate fast"),
        (["--body-limits", "/locate=huge"], "--body-limits"),
        (["--unknown", "1"], "--unknown"),
    ],
)
def test_wrong(capsys, tmp_path, arguments, words):
    """A setting that is wrong is named with its value."""
    with pytest.raises(SystemExit, match="2"):
        read_settings([str(tmp_path), *arguments], {})
    assert words in capsys.readouterr().err


def test_body_limits(tmp_path):
    """Longest bodies are given by path, in bytes, KB or MB."""
    words = "/locate=2MB,/incidents=500KB, /x=7"
    settings = read_settings([str(tmp_path), "--body-limits", words], {})
    assert settings.body_limits == {"/locate": 2_000_000, "/incidents": 500_000, "/x": 7}


def test_other_processes(tmp_path):
    """Workers read from the environment exactly what the command line said."""
    settings = Settings(
        store=tmp_path,
        workers=2,
        seconds=2.5,
        allowed_origins=("https://a.cn", "https://b.cn"),
        body_limits={"/x": 3},
        attribution="© 测试",
    )
    assert read_settings([], write_environment(settings)) == settings


def test_every_setting_is_documented():
    """docs/operations.md names every option, and every setting says what it is."""
    text = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    for name, field in Settings.model_fields.items():
        assert field.description
        assert name == "store" or f"`--{name.replace('_', '-')}`" in text, name
