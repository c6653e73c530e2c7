"""How the service is run: every setting, typed, from options and from the environment.

``--trusted-proxies 10.0.0.1`` on the command line is ``GRIDMAP_TRUSTED_PROXIES=10.0.0.1`` in the
environment; the command line counts. Lists are separated by commas.
"""

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

_PREFIX = "GRIDMAP_"
_UNITS = {"KB": 1_000, "MB": 1_000_000}


def _split(words: Any) -> Any:
    """Read a list from text."""
    if isinstance(words, str):
        return [word.strip() for word in words.split(",") if word.strip()]
    return words


def _split_limits(words: Any) -> Any:
    """Read PATH=BYTES pairs from text; 2MB is 2,000,000."""
    if not isinstance(words, str):
        return words
    pairs = [word.partition("=")[::2] for word in _split(words)]
    return {path.strip(): _read_bytes(size.strip()) for path, size in pairs}


def _read_bytes(size: str) -> int | str:
    factor = _UNITS.get(size[-2:].upper(), 1)
    digits = size[:-2] if factor > 1 else size
    return int(digits) * factor if digits.isdecimal() else size


Words = Annotated[tuple[str, ...], BeforeValidator(_split)]
Limits = Annotated[dict[str, int], BeforeValidator(_split_limits)]


class Settings(BaseModel):
    """Every setting of the service; its description is the help of the option."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    store: Path = Field(description="folder of plans")
    host: str = Field(default="127.0.0.1", description="address to listen on")
    port: int = Field(default=8000, ge=0, le=65535, description="port")
    workers: int = Field(default=1, ge=1, le=256, description="processes")
    attribution: str = Field(default="", description="whom the data is from, shown on the map")
    approval: str = Field(default="", description="approval number of the map, 审图号")
    cases: str = Field(
        default="", description="casebook: a file, or postgresql://…; beside the plans if not named"
    )
    open311_public: bool = Field(
        default=False, description="whether Open311 takes reports without a key: true or false"
    )
    jurisdiction: str = Field(
        default="", description="jurisdiction_id of Open311; another one is refused"
    )
    hook_hosts: Words = Field(
        default=(), description="hosts that webhooks may call: host or host:port; none by default"
    )
    stream_seconds: float = Field(
        default=300, gt=0, description="seconds that a stream of changes lasts; clients resume it"
    )
    trusted_proxies: Words = Field(
        default=(), description="addresses or networks of proxies whose X-Forwarded-For is believed"
    )
    allowed_origins: Words = Field(
        default=(), description="origins whose pages may read answers (CORS); * for all"
    )
    embed_ancestors: Words = Field(
        default=("'self'",), description="origins that may show /embed in a frame; * for all"
    )
    rate: float = Field(
        default=200, ge=0, description="requests a second of an address; 0: no limit"
    )
    burst: int = Field(default=1000, ge=1, description="requests of an address at once")
    key_rate: float = Field(
        default=500, ge=0, description="requests a second of a key; 0: no limit"
    )
    key_burst: int = Field(default=2000, ge=1, description="requests of a key at once")
    wrong_keys: int = Field(
        default=10, ge=1, description="wrong keys until an address is locked out"
    )
    lock_seconds: float = Field(default=900, gt=0, description="seconds that a lock-out lasts")
    most_requests: int = Field(default=500, ge=1, description="requests at a time in a process")
    seconds: float = Field(default=30, gt=0, description="seconds until an answer must have begun")
    body_limits: Limits = Field(
        default={}, description="longest body by beginning of the path: /locate=2MB,/cases/=20MB"
    )
    key_body_limits: Limits = Field(
        default={},
        description="the same of who has a key but a worker's, where that is more: /locate=64MB",
    )


def read_settings(
    arguments: Sequence[str] = (), environment: Mapping[str, str] | None = None
) -> Settings:
    """Read the settings; the command line counts before the environment.

    A setting that is wrong ends the program with what is wrong about it, as argparse does.
    """
    environment = os.environ if environment is None else environment
    parser = _make_parser()
    options = parser.parse_args(arguments)
    given = {name: environment.get(_PREFIX + name.upper()) for name in Settings.model_fields}
    given |= {name: value for name, value in vars(options).items() if value is not None}
    given = {name: value for name, value in given.items() if value is not None}
    if not given.get("store"):
        parser.error("name the folder of plans, or set GRIDMAP_STORE")
    if not Path(str(given["store"])).is_dir():
        parser.error(f"there is no folder {given['store']}; keep a plan in it first")
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        parser.error("; ".join(_explain(found) for found in error.errors()))


def write_environment(settings: Settings) -> dict[str, str]:
    """Return the variables from which `read_settings` reads the same settings, in any process."""
    return {
        _PREFIX + name.upper(): _write(value)
        for name, value in settings.model_dump(exclude_unset=True).items()
    }


def _make_parser() -> argparse.ArgumentParser:
    """Make an option of each setting, and an argument of the folder."""
    parser = argparse.ArgumentParser(
        "python -m api",
        description="Serve the plans of a folder.",
        epilog="Each option may be a variable instead: --key-rate is GRIDMAP_KEY_RATE.",
    )
    for name, field in Settings.model_fields.items():
        if name == "store":
            parser.add_argument(name, nargs="?", help=f"{field.description} (or GRIDMAP_STORE)")
        else:
            text = f"{field.description} ({_write(field.default) or 'none'})"
            parser.add_argument("--" + name.replace("_", "-"), metavar="", help=text)
    return parser


def _explain(found: Mapping[str, Any]) -> str:
    name = str(found["loc"][0]).replace("_", "-")
    return f"--{name} {_write(found['input'])}: {found['msg']}"


def _write(value: Any) -> str:
    """Write a value as it is read."""
    if isinstance(value, Mapping):
        return ",".join(f"{path}={size}" for path, size in value.items())
    return ",".join(value) if isinstance(value, tuple) else str(value)
