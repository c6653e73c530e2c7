"""What every answer carries, and how much a request may bring."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem_response

#: Only our own files: no script, style, picture or data from anywhere else, and nothing inline.
CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
#: A place is 100 bytes; nobody has a reason to send more than this.
MOST_BYTES = 16_384


class Guard:
    """ASGI middleware: security headers on every answer, no large bodies.

    Parameters
    ----------
    app : ASGI application
        What it guards.
    most_bytes : int
        Longest body that is let through.
    """

    def __init__(self, app: ASGIApp, most_bytes: int = MOST_BYTES) -> None:
        self._app = app
        self._most = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        if self._is_too_long(Headers(scope=scope)):
            refusal = problem_response(
                413, "too-long", f"Send a body of at most {self._most} bytes, and its length."
            )
            await refusal(scope, receive, send_guarded)
            return
        await self._app(scope, receive, send_guarded)

    def _is_too_long(self, headers: Headers) -> bool:
        """Tell whether a body is too long, or does not say how long it is."""
        length = headers.get("content-length", "0")
        return "transfer-encoding" in headers or not length.isdigit() or int(length) > self._most
