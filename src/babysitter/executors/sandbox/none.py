"""Run programs without a sandbox, where the settings say ``sandbox = "none"`` in so many words.

What stays: a cleared environment, an empty home, limits, no child left behind, and the
refusal of grants that no sandbox gives. Every run says in its first line that nothing
else was confined.
"""

import os
import sys
from pathlib import Path

from babysitter.executors.sandbox.access import check_grants, plan_access
from babysitter.executors.sandbox.launched import Job, launch
from babysitter.executors.sandbox.limits import Limits
from babysitter.executors.sandbox.locate import locate
from babysitter.executors.sandbox.profile import effective_profile, profile_sha256
from babysitter.executors.sandbox.system import PATH, OwnFolder
from babysitter.model.effects import Sandbox
from babysitter.model.runner import Ended, OutputSink, Program, StopToken
from babysitter.model.values import Json


class UnconfinedRunner:
    """Implements ``model.runner.Confinement``."""

    name = "none"

    def __init__(self, workspace: Path, hidden: tuple[Path, ...], limits: Limits) -> None:
        self._workspace = workspace
        self._hidden = hidden
        self._limits = limits
        self._folder = OwnFolder()

    def profile_sha256(self, sandbox: Sandbox) -> str:
        """Return the digest of the effective profile."""
        return profile_sha256(self.name, self._limits.name, sandbox)

    def profile(self, sandbox: Sandbox) -> Json:
        """Return the effective profile."""
        return effective_profile(self.name, self._limits.name, sandbox)

    def check(self, sandbox: Sandbox) -> None:
        """Return when these grants can be carried out."""
        check_grants(self._workspace, self._hidden, sandbox)

    def run(
        self, program: Program, sandbox: Sandbox, stdout: OutputSink, stderr: OutputSink, stop: StopToken
    ) -> Ended:
        """Run the program; see ``model.runner.Runner.run``."""
        access = plan_access(self._workspace, self._hidden, sandbox)
        env = {"PATH": f"{os.path.dirname(sys.executable)}:{PATH}", "LANG": "C.UTF-8"} | program.env
        locate(program, env["PATH"], access, visible=("",))
        job = Job(program=program, env=env, access=access, folder=self._folder.root)
        return launch(job, sandbox, self._limits, stdout, stderr, stop)
