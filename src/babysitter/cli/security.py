"""``security``: scanners and security tests over a workspace."""

import click

from babysitter.cli.root import Verbs
from babysitter.cli.security_tests import tests


@click.group(cls=Verbs, epilog="Example: babysitter security tests")
def security() -> None:
    """Run the security tests of a workspace."""


security.add_command(tests)
