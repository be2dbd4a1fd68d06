"""The API of the server itself: whether it lives, what it can do, how it is."""

from babysitter._version import __version__
from babysitter.server.exchange import Asked, Reply, as_json
from babysitter.server.routes import Route, Table
from babysitter.service.hosting.figures import Health, figures_text, health


def alive(asked: Asked) -> Reply:
    """Say that the process answers; nothing about what it holds."""
    del asked
    return as_json(Health(status="ok", version=__version__))


def ready(asked: Asked) -> Reply:
    """Say whether the disk takes what must be kept."""
    found = health(asked.hosting, __version__)
    return as_json(found, status=200 if found.status == "ok" else 503)


def metrics(asked: Asked) -> Reply:
    """Give the server's figures in the text form of Prometheus."""
    return Reply(body=figures_text(asked.visit).encode(), type="text/plain; version=0.0.4; charset=utf-8")


ROUTES: Table = (
    Route(
        method="GET",
        path="/api/v1/health",
        name="system.health",
        answer=alive,
        summary="Say that the server answers.",
        open=True,
        gives=Health,
    ),
    Route(
        method="GET",
        path="/api/v1/ready",
        name="system.ready",
        answer=ready,
        summary="Say whether the server can keep what it is given; 503 where it can't.",
        open=True,
        gives=Health,
    ),
    Route(
        method="GET",
        path="/api/v1/metrics",
        name="system.metrics",
        answer=metrics,
        summary="Give figures in the text form of Prometheus.",
        action="metrics.read",
    ),
)
