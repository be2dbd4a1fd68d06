"""How the gate says no before any use case is asked, and the bodies that it reads."""

import asyncio
from collections.abc import Mapping

from starlette.requests import Request

from babysitter.server.exchange import ErrorReply, ErrorShown, Reply, as_json

HEAD_BYTES_MAX = 16 * 1024
"""Of a request's line and headers together."""
BODY_BYTES_MAX = 1024 * 1024
OPEN_BODY_BYTES_MAX = 64 * 1024
"""Of a route that is open to all: keys of JSON can be made to collide, since drivers hash by a fixed seed."""
BODY_S_MAX = 15.0
_CLOSE = {"Connection": "close"}

GATE: Mapping[str, int] = {
    "refused.network": 403,
    "refused.host": 421,
    "refused.cross_site": 403,
    "refused.rate": 429,
    "usage.method": 405,
    "usage.too_large": 413,
    "usage.encoding": 415,
    "usage.head": 431,
    "usage.too_slow": 408,
}
"""What the gate says no with, before any use case is asked, and each one's status."""


def defect_reply(defect: Exception) -> Reply:
    """Return what a defect of ours is answered with: no more than its place."""
    frame = defect.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = f"{frame.tb_frame.f_code.co_name}:{frame.tb_lineno}" if frame is not None else "?"
    shown = ErrorShown(
        code="defect",
        message=f"a defect of Babysitter: {type(defect).__name__} at {place}.",
        hint="Nothing that was acknowledged is lost. Please report it with that line.",
    )
    return as_json(ErrorReply(error=shown), status=500)


class Refused(Exception):  # noqa: N818 (a way out of the gate, never seen outside of it)
    """The gate says no before any use case was asked."""

    def __init__(self, code: str, why: str, headers: Mapping[str, str] | None = None) -> None:
        self.code, status = code, GATE[code]
        reply = as_json(ErrorReply(error=ErrorShown(code=code, message=why)), status=status)
        self.reply = Reply(status=status, body=reply.body, headers=headers or {})
        super().__init__(why)


async def read_body(request: Request, most: int) -> bytes:
    """Return the whole body, as it came. Step 6. What is packed is not unpacked, however small it looks."""
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise Refused("usage.encoding", "the body is packed; send it as it is.", _CLOSE)
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > most:
        raise Refused("usage.too_large", f"the body has more than {most} bytes.", _CLOSE)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_S_MAX):
            async for part in request.stream():
                size += len(part)
                if size > most:
                    raise Refused("usage.too_large", f"the body has more than {most} bytes.", _CLOSE)
                parts.append(part)
    except TimeoutError:
        raise Refused("usage.too_slow", "the body did not come in time.", _CLOSE) from None
    return b"".join(parts)
