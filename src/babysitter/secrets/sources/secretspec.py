"""Schemes that secretspec serves: keyring, 1Password, Vault, clouds, sops, age and others.

    op://VAULT/ITEM/FIELD, op://VAULT/ITEM/SECTION/FIELD     as 1Password writes it
    SCHEME:ITEM, SCHEME:ITEM#FIELD                           where [secrets.sources.SCHEME] names a provider

The library runs in a process of its own (ask_secretspec.py), which asks for all
secrets of a scheme at once and is killed when its time is over. It reads no settings but those
it is given: its own file of settings is out of its sight, and with it the log of names that it would keep.
Values come back through a pipe; they are in nobody's arguments, environment or file.
"""

import json
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from babysitter.model.errors import MissingToolError, ProgramTimeoutError, SecretSourceError
from babysitter.model.runner import Programs
from babysitter.model.secret_settings import TIMEOUT_S

_PROGRAM: Final = str(Path(__file__).with_name("ask_secretspec.py"))
_SETTINGS: Final = "[audit]\nenabled = false\n"
_QUOTED: Final = re.compile(r"""'[^']*'|"[^"]*"|`[^`]*`""")
_MESSAGE_CHARS_MAX: Final = 240
_PREAMBLE: Final = "Provider operation failed: "

Address = dict[str, str]
"""Where a provider keeps a secret: ``item``, and as it needs them ``field``, ``section`` and ``vault``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the library is run in. ``base``: what relative paths of a provider are relative to."""

    programs: Programs
    base: Path
    environ: Mapping[str, str]
    timeout_s: float = TIMEOUT_S


class _Answer(msgspec.Struct):
    values: dict[str, str] = {}
    error: dict[str, str] | None = None


class SecretspecSource:
    """Gives what one provider of secretspec holds."""

    def __init__(self, scheme: str, provider: str, surroundings: Surroundings) -> None:
        self.scheme = scheme
        self._provider = provider
        self._surroundings = surroundings

    def get(self, name: str) -> str | None:
        """See ManySecrets."""
        return self.get_many([name]).get(name)

    def get_many(self, names: Sequence[str]) -> Mapping[str, str]:
        """Return the values that there are, by name, from one call of the library for each vault.

        Raises:
            SecretSourceError: the provider is away, refuses, or took too long.
        """
        found: dict[str, str] = {}
        by_provider: dict[str, dict[str, Address]] = {}
        for name in names:
            provider, address = self._address(name)
            by_provider.setdefault(provider, {})[name] = address
        for provider, addresses in by_provider.items():
            found.update(self._ask(provider, addresses))
        return {name: value for name, value in found.items() if value}

    def _address(self, name: str) -> tuple[str, Address]:
        item, hash_sign, field = name.rpartition("#")
        if not hash_sign:
            return self._provider, {"item": name}
        return self._provider, {"item": item, "field": field}

    def _ask(self, provider: str, addresses: Mapping[str, Address]) -> dict[str, str]:
        keys = {f"S{number}": name for number, name in enumerate(addresses)}
        request = {
            "provider": provider,
            "baseDir": str(self._surroundings.base),
            "refs": {key: addresses[name] for key, name in keys.items()},
        }
        answer = self._call(json.dumps(request).encode(), next(iter(addresses)))
        if answer.error is not None:
            message = _harmless(answer.error.get("message", ""))
            raise self._away(next(iter(addresses)), f"secretspec says: {message}")
        return {keys[key]: value for key, value in answer.values.items() if key in keys}

    def _call(self, request: bytes, first: str) -> _Answer:
        here = self._surroundings
        with tempfile.TemporaryDirectory(prefix="babysitter-") as folder:
            _hide_settings(Path(folder), here.environ)
            try:
                called = here.programs.call(
                    (sys.executable, "-I", _PROGRAM),
                    stdin=request,
                    env={"XDG_CONFIG_HOME": folder, "XDG_STATE_HOME": "/dev/null"},
                    timeout_s=here.timeout_s,
                )
            except ProgramTimeoutError:
                raise self._away(first, f"no answer within {here.timeout_s:g} seconds.") from None
            except MissingToolError:
                raise self._away(first, "Python can't be started again.") from None
        try:
            return msgspec.json.decode(called.stdout, type=_Answer)
        except msgspec.MsgspecError:
            # What it printed instead may be anything, a value too.
            raise self._away(first, f"secretspec ended with status {called.status}.") from None

    def _away(self, name: str, why: str) -> SecretSourceError:
        ref = f"{self.scheme}:{name}"
        return SecretSourceError(
            f"{ref} can't be read: {why}",
            hint="Sign in to the provider or mend its address, then run `babysitter secret check`.",
            ref=ref,
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.scheme!r})"


class OnePasswordSource(SecretspecSource):
    """Gives fields of 1Password by the references that its own programs copy."""

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__("op", "onepassword", surroundings)

    def _address(self, name: str) -> tuple[str, Address]:
        parts = name.removeprefix("//").split("/")
        if not name.startswith("//") or len(parts) not in (3, 4) or not all(parts):
            raise SecretSourceError(
                f"op:{name} is no reference of 1Password.",
                hint="Write op://vault/item/field, or op://vault/item/section/field.",
                ref=f"op:{name}",
            )
        address = {"vault": parts[0], "item": parts[1], "field": parts[-1]}
        if len(parts) == 4:
            address["section"] = parts[2]
        return f"{self._provider}://{parts[0]}", address


def _hide_settings(folder: Path, environ: Mapping[str, str]) -> None:
    """Make a folder of settings that is the person's own but for secretspec's, which are ours."""
    (folder / "secretspec").mkdir(mode=0o700)
    (folder / "secretspec" / "config.toml").write_text(_SETTINGS, encoding="utf-8")
    own = Path(environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME", "/")) / ".config")
    try:
        entries = sorted(own.iterdir())
    except OSError:
        return
    for entry in entries:
        # Programs that a provider starts find theirs: op, gcloud and sops look here too.
        if entry.name != "secretspec":
            (folder / entry.name).symlink_to(entry)


def _harmless(message: str) -> str:
    """Return a provider's message without what it quotes, which may be a line of a file of secrets."""
    first = message.strip().partition("\n\n")[0].replace(_PREAMBLE, "")
    line = " ".join(_QUOTED.sub("'…'", first).split())
    return line[:_MESSAGE_CHARS_MAX] or "nothing."
