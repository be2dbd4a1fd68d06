"""What the protocol's library has to say, on standard error, without what it is about."""

import logging
import sys


def log_without_content() -> None:
    """Have the SDK's warnings on standard error, without what they are about: that is the client's data."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Places())
    logger = logging.getLogger("mcp")
    logger.handlers[:] = [handler]
    logger.propagate = False


class _Places(logging.Formatter):
    """Formats a record as where it comes from and its text before anything was filled in."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        return f"babysitter mcp: {record.name}: {record.msg} {kind}".rstrip()
