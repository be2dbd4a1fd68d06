"""What tests about access share: a workspace on disk, its entrance, a clock that stands until it is told."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from babysitter.access.entrance import Entrance
from babysitter.access.passkey_ceremonies import Begun
from babysitter.access.storage import base64url, from_base64url
from babysitter.access.tokens import Wish
from babysitter.config import load_place
from babysitter.service.access.opening import entrance_of
from babysitter.service.ports import SystemDice
from babysitter.service.wiring import Workspace
from babysitter.testing.clocks import FakeClock
from tests.unit.signing.software_authenticator import Authenticator, client_data

ALICE, BOB, EVE = "alice@example.com", "bob@example.com", "eve@example.com"
URL = "https://babysitter.example.com"
SETTINGS = f"""
[workspace]
id = "shop"

[roles]
release = ["{BOB}"]

[access]
admins = ["{ALICE}"]
approvers = ["release"]

[server]
public_url = "{URL}"
session_idle_s = 600
session_s = 3600
"""


@dataclass(frozen=True, kw_only=True)
class House:
    """A workspace with an entrance."""

    workspace: Workspace
    clock: FakeClock
    entrance: Entrance

    @property
    def folder(self) -> Path:
        return self.workspace.root / ".a5c" / "server"

    def write_settings(self, text: str) -> None:
        (self.workspace.root / "babysitter.toml").write_text(text)

    def again(self) -> "House":
        """Return the same house as another process has it."""
        return build(self.workspace.root, clock=self.clock, settings=None)

    def token(self, **wish: Any) -> str:
        given = {"kind": "agent", "name": "ci", "made_by": ALICE, **wish}
        return self.entrance.tokens.make(Wish(**given))[1]

    def passkey_of(self, person: str, credential: bytes = b"one") -> "Device":
        """Return a device that has joined as this person."""
        device = Device(authenticator=Authenticator(), credential=credential)
        _, code = self.entrance.passkeys.invite(person, by=ALICE, may_sign=False)
        begun = self.entrance.ceremonies.begin_joining(code)
        self.entrance.ceremonies.finish_joining(code, device.join(begun), begun.cookie)
        return device

    def cookie_of(self, device: "Device", *, replacing: str = "") -> str:
        """Return the session cookie that a device signs in for."""
        begun = self.entrance.ceremonies.begin_sign_in()
        answer = device.answer(begun)
        return self.entrance.sign_in_with_passkey(answer, begun.cookie, replacing=replacing).cookie


@dataclass(frozen=True, kw_only=True)
class Device:
    """A browser with a passkey, of software."""

    authenticator: Authenticator
    credential: bytes

    def join(self, begun: Begun, *, origin: str = URL) -> dict[str, Any]:
        challenge = from_base64url(begun.options["challenge"])
        attestation = self.authenticator.attestation(credential_id=self.credential)
        text = client_data("webauthn.create", challenge, origin)
        response = {"attestationObject": base64url(attestation), "clientDataJSON": base64url(text)}
        return {"id": base64url(self.credential), "response": response, "type": "public-key"}

    def answer(self, begun: Begun, *, origin: str = URL, **parts: Any) -> dict[str, Any]:
        challenge = from_base64url(begun.options["challenge"])
        made = self.authenticator.answer(client_data("webauthn.get", challenge, origin))
        response = {
            "authenticatorData": base64url(made.authenticator_data),
            "clientDataJSON": base64url(made.client_data_json),
            "signature": base64url(made.signature_der),
        }
        return {"rawId": base64url(self.credential), "response": response | parts, "type": "public-key"}


def build(root: Path, *, settings: str | None = SETTINGS, clock: FakeClock | None = None) -> House:
    """Return a house in a folder; its clock stands still until it is told."""
    if settings is not None:
        (root / "babysitter.toml").write_text(settings)
    told = clock or FakeClock(step_ns=0)
    workspace = Workspace(load_place(root), clock=told, dice=SystemDice())
    return House(workspace=workspace, clock=told, entrance=entrance_of(workspace))


def everything_in(folder: Path) -> bytes:
    """Return the bytes of all files below a folder, one after another."""
    return b"\0".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
