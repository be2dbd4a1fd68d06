"""A server to be measured: a real one over a real workspace, whose door knows one operator and one approver.

Run by benchmarks/serving.py:
    python -m benchmarks.serving_child --dir WORKSPACE
It prints its URL when it listens, and serves until it is told to stop.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from babysitter.access.rates import Rates
from babysitter.access.roles import Caller, Role
from babysitter.server.app import App
from babysitter.server.headers import ground_of
from babysitter.server.listening import BACKLOG, Where, bound
from babysitter.server.serving import Serving, parts_of
from babysitter.service.hosting.hosting import host
from babysitter.service.hosting.premises import Premises
from babysitter.service.wiring import open_workspace
from babysitter.testing.doors import ListedDoor

WORKSPACE = "bench"


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--dir", type=Path, required=True)
    given = parser.parse_args()
    workspace = open_workspace(given.dir)
    hosting = host(workspace)
    roles: frozenset[Role] = frozenset({"operator", "approver", "admin"})
    person = Caller(name="ada", is_person=True, roles={WORKSPACE: roles}, method="token", credential="bench")
    with Premises(hosting, ListedDoor({"ada": person})).opened() as premises:
        where = Where(host="127.0.0.1", port=0)
        sock = bound(where)
        port = sock.getsockname()[1]
        ground = ground_of(host="127.0.0.1", port=port, public_url="", networks=(), proxies=(), has_tls=False)
        unlimited = Rates(workspace.clock, per_minute=10_000_000)
        app = App(replace(parts_of(hosting, premises, ground), rates=unlimited))
        # From here on connections wait instead of being refused.
        sock.listen(BACKLOG)
        url = f"http://127.0.0.1:{port}"
        print(url, flush=True)
        Serving(url=url, hosting=hosting, premises=premises, app=app, sock=sock, certificate=None).run()


if __name__ == "__main__":
    main()
