"""Being a witness for other people's logs."""

from collections.abc import Sequence
from pathlib import Path

from babysitter.log.notes import parse_key
from babysitter.log.witness.server import RunningWitness, serve_witness
from babysitter.model.errors import SettingsError
from babysitter.service.ports import SystemClock
from babysitter.service.wiring import folder_tree


def run_witness(folder: Path, *, name: str, logs: Sequence[Path], host: str, port: int) -> RunningWitness:
    """Return a witness that answers already; close it to stop.

    Raises:
        SettingsError: a file holds no verifier key, or the address can't be used.
    """
    keys = []
    for file in logs:
        try:
            keys.append(parse_key(file.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{file} can't be read: {error}.", hint="Give a log.vkey.") from None
    return serve_witness(
        folder_tree(folder),
        name=name,
        logs={key.name: key for key in keys},
        host=host,
        port=port,
        clock=SystemClock(),
    )
