"""A workspace on disk in which real trust is given and asked for; people sign with keys in software."""

from pathlib import Path

from babysitter.config import load_place
from babysitter.model.runner import Called
from babysitter.service.process.admission import WorkspaceAdmission
from babysitter.service.process.admitted import Admitted, Surroundings
from babysitter.service.process.closure import read_sources
from babysitter.service.process_trust import TrustedView, Trusting
from babysitter.service.wiring import Workspace
from babysitter.testing.clocks import FakeClock
from babysitter.testing.programs import Call, FakePrograms, answered
from tests.unit.service.authoring import PROCESS
from tests.unit.service.signing import ALICE, KEYS, SIGNERS

FILES = {"flow.py": "import near\n" + PROCESS, "near.py": "VALUE = 1\n"}


def signed(call: Call) -> Called:
    """Answer ``ssh-keygen -Y sign`` with the key of the person whose file is named."""
    assert call.argv[:3] == ("ssh-keygen", "-Y", "sign")
    key = KEYS[Path(call.argv[4]).name]
    return answered(key.signature(call.stdin, namespace=call.argv[6]))


class TrustPlace(Workspace):
    """A workspace of files, with its own idea of the account, of CI and of what the environment pins."""

    def __init__(
        self,
        top: Path,
        *,
        settings: str = "",
        in_ci: bool = False,
        pinned: str | None = None,
        root: str = "ws",
    ) -> None:
        folder = top / root
        folder.mkdir(parents=True, exist_ok=True)
        self.keys = top / "keys"
        self.keys.mkdir(exist_ok=True)
        for person, key in KEYS.items():
            (self.keys / f"{person}.pub").write_text(f"{key.line}\n")
        (folder / "babysitter.toml").write_text(settings)
        for name, text in FILES.items():
            if not (folder / name).exists():
                (folder / name).write_text(text)
        super().__init__(load_place(folder), clock=FakeClock())
        self.programs = FakePrograms(signed)
        here = Surroundings(state=top / "state", user="me", in_ci=in_ci, pinned_signers=pinned)
        self.process_trust = WorkspaceAdmission(self, here)

    def with_signers(self) -> "TrustPlace":
        """Have the people's keys in the file of signers."""
        (self.root / "allowed_signers").write_text(SIGNERS)
        return self

    def trust(self, person: str | None = ALICE, entry: str = "flow.py", **more: object) -> TrustedView:
        """Have a person trust the process, signed; None: this account, unsigned."""
        key = str(self.keys / person) if person is not None else None
        more.setdefault("with_bandit", False)
        return Trusting(self).trust(entry, key=key, **more)  # type: ignore[arg-type]

    def admit(self, entry: str = "flow.py", *, allow_untrusted: bool = False) -> Admitted:
        """Ask whether the process may run."""
        return self.admission.admit(read_sources(entry, self.root), allow_untrusted=allow_untrusted)

    def write(self, name: str, text: str) -> None:
        """Write a file of the workspace."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
