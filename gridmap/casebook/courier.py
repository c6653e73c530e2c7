"""Webhooks for dispatch: tell other systems of each step, signed, again until it came.

The receiver checks ``X-Gridmap-Signature``: ``sha256=`` and the HMAC-SHA256, under the hook's
secret, of ``X-Gridmap-Timestamp``, a full stop and the body. It refuses an old timestamp, and knows
a delivery that comes twice by its case and version. Only hosts that were named are called, and no
redirection is followed. A delivery has no words, no position and no reporter: who needs them asks
with a key.
"""

import hashlib
import hmac
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import SplitResult, urlsplit

from gridmap.casebook.book import Casebook
from gridmap.casebook.hooks import (
    TRIES,
    Delivery,
    Hook,
    delete_hook,
    insert_hook,
    is_due,
    lease_delivery,
    note_try,
    number_hooks,
    read_deliveries,
    read_hooks,
)
from gridmap.errors import HookError
from gridmap.incidents.model import settle_moment
from gridmap.incidents.stages import ACTIONS

_PORTS = {"http": 80, "https": 443}
#: Seconds that a receiver has to answer, and the fewest signs of a secret.
_PATIENCE, _SECRET = 10.0, 16
_log = logging.getLogger("gridmap.hooks")


def add_hook(
    book: Casebook,
    url: str,
    *,
    hosts: Sequence[str],
    secret: str = "",
    actions: Sequence[str] = (),
) -> tuple[int, str]:
    """Add a webhook; return its number and its secret.

    Parameters
    ----------
    book : Casebook
        Whose steps it is told of, from now on.
    url : str
        http:// or https://, without a user.
    hosts : sequence of str
        Hosts that may be called: ``host`` on its usual port, or ``host:port``.
    secret : str
        Of 16 signs or more; a random one by default.
    actions : sequence of str
        Which steps (``open``, ``whistle`` …); all by default.

    Raises
    ------
    HookError
        If the host is not one of them, or something else is wrong.
    """
    check_url(url, hosts)
    known = ("open", *ACTIONS)
    if strangers := [action for action in actions if action not in known]:
        raise HookError(f"no action {', '.join(strangers)}; there are {', '.join(known)}")
    secret = secret or secrets.token_urlsafe(32)
    if not _SECRET <= len(secret) <= 200 or not secret.isascii():
        raise HookError(f"a secret has {_SECRET} to 200 signs of ASCII")
    number = book.writer.write(lambda connection: insert_hook(connection, url, secret, actions))
    return number, secret


def remove_hook(book: Casebook, hook_id: int) -> None:
    """Remove a webhook and what it was to be told.

    Raises
    ------
    HookError
        If there is none of that number.
    """
    book.writer.write(lambda connection: delete_hook(connection, hook_id))


def list_hooks(book: Casebook) -> list[Hook]:
    """Return every webhook, without its secret."""
    with book.engine.connect() as connection:
        return read_hooks(connection)


def list_deliveries(
    book: Casebook, hook_id: int | None = None, *, state: str = "", most: int = 100
) -> list[Delivery]:
    """Return what webhooks were told, the latest first; ``state`` is waiting, sent or failed."""
    with book.engine.connect() as connection:
        return read_deliveries(connection, hook_id, state, most)


def deliver_hooks(
    book: Casebook, hosts: Sequence[str], *, go_on: Callable[[], bool] = lambda: True
) -> int:
    """Send what is due; return how many deliveries were tried.

    Each webhook is told in the order of the log. It may run in several processes at once. Before
    each delivery ``go_on`` says whether there is to be another.
    """
    with book.engine.connect() as connection:
        numbers = number_hooks(connection)
    return sum(_deliver_all(book, number, hosts, go_on) for number in numbers)


def check_url(url: str, hosts: Sequence[str]) -> SplitResult:
    """Return the parts of a URL that may be called.

    Raises
    ------
    HookError
        If it may not be.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise HookError(f"{url!r} is no URL") from error
    if parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc:
        raise HookError(f"{url!r} is no http:// or https:// URL without a user")
    if not url.isascii() or any(sign <= " " for sign in url):
        raise HookError(f"{url!r} holds signs that no URL has: encode them")
    usual = port in (None, _PORTS[parts.scheme])
    allowed = f"{parts.hostname}:{port or _PORTS[parts.scheme]}" in hosts
    if not allowed and not (usual and parts.hostname in hosts):
        named = ", ".join(hosts) or "none"
        raise HookError(f"webhooks may not call {parts.netloc}; hosts that are named: {named}")
    return parts


def sign_body(secret: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a delivery.

    Examples
    --------
    >>> sign_body("s" * 16, "1790000000", b"{}")[:15]
    'sha256=d76e885e'
    """
    text = timestamp.encode() + b"." + body
    return "sha256=" + hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def _deliver_all(
    book: Casebook, hook_id: int, hosts: Sequence[str], go_on: Callable[[], bool]
) -> int:
    """Tell one webhook all that is due, one after the other."""
    count = 0
    while go_on():
        now = settle_moment(None)
        with book.engine.connect() as connection:
            if not is_due(connection, hook_id, now):
                break
        leased = book.writer.write(
            lambda connection, now=now: lease_delivery(connection, hook_id, now)  # type: ignore[misc]
        )
        if leased is None:
            break
        hook, delivery = leased
        ok, answer = _try(hook.url, hook.secret, delivery, hosts)
        if not ok and delivery.tries + 1 >= TRIES:
            _log.error("webhook %s: gave up delivery %s: %s", hook_id, delivery.number, answer)
        book.writer.write(
            lambda connection, told=(delivery, ok, answer): note_try(connection, *told)  # type: ignore[misc]
        )
        count += 1
    return count


def _try(url: str, secret: str, delivery: Delivery, hosts: Sequence[str]) -> tuple[bool, str]:
    """Send a delivery once; return whether it was taken, and what was answered."""
    try:
        parts = check_url(url, hosts)
        status = _post(parts, secret, delivery)
    except (HookError, OSError, HTTPException) as error:
        return False, f"{type(error).__name__}: {error}"
    return 200 <= status < 300, str(status)


def _post(parts: SplitResult, secret: str, delivery: Delivery) -> int:
    body, timestamp = delivery.body.encode(), str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "gridmap",
        "X-Gridmap-Delivery": str(delivery.number),
        "X-Gridmap-Timestamp": timestamp,
        "X-Gridmap-Signature": sign_body(secret, timestamp, body),
    }
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=_PATIENCE)
    try:
        path = parts.path or "/"
        connection.request("POST", f"{path}?{parts.query}" if parts.query else path, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()
