"""Every source of secrets passes the one suite that says what a source must keep."""

import json
import os
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from babysitter.executors.sandbox.programs import LocalPrograms
from babysitter.model.runner import SecretSource
from babysitter.secrets.sources.env import EnvironmentSource
from babysitter.secrets.sources.file import FileSource
from babysitter.secrets.sources.plugin import PluginSource
from babysitter.secrets.sources.secretspec import OnePasswordSource, SecretspecSource, Surroundings
from babysitter.testing.source_conformance import VALUES, SourceConformance


def surroundings(base: Path, timeout_s: float = 20.0) -> Surroundings:
    return Surroundings(programs=LocalPrograms(), base=base, environ=os.environ, timeout_s=timeout_s)


def dotenv_text(values: Mapping[str, str], escaped: str = '\\"$`') -> str:
    """Return a dotenv file; some readers take a backslash before a dollar as it stands."""
    escapes = str.maketrans({char: f"\\{char}" for char in escaped})
    return "".join(f'{name}="{value.translate(escapes)}"\n' for name, value in values.items())


def private(path: Path, text: str) -> Path:
    path.touch(0o600)
    path.write_text(text, encoding="utf-8")
    return path


class TestEnvironment(SourceConformance):
    @pytest.fixture
    def source(self) -> SecretSource:
        return EnvironmentSource(VALUES)

    @pytest.fixture
    def away(self) -> SecretSource | None:
        return None


class TestDotenvFile(SourceConformance):
    @pytest.fixture
    def source(self, tmp_path: Path) -> SecretSource:
        private(tmp_path / "secrets.env", dotenv_text(VALUES))
        return FileSource(tmp_path)

    @pytest.fixture
    def away(self, tmp_path: Path) -> SecretSource:
        return FileSource(tmp_path / "elsewhere")

    def name_of(self, name: str) -> str:
        return f"secrets.env#{name}"


class TestWholeFile(SourceConformance):
    @pytest.fixture
    def source(self, tmp_path: Path) -> SecretSource:
        for name, value in {**VALUES, "NOT_THERE": ""}.items():
            private(tmp_path / name, f"{value}\n")
        return FileSource(tmp_path)

    @pytest.fixture
    def away(self, tmp_path: Path) -> SecretSource:
        os.mkfifo(tmp_path / "PLAIN", 0o600)
        return FileSource(tmp_path)


class TestSecretspecDotenv(SourceConformance):
    """The library for real, with a provider that needs no network: all else is its own business."""

    @pytest.fixture
    def source(self, tmp_path: Path) -> SecretSource:
        private(tmp_path / "team.env", dotenv_text(VALUES, escaped='\\"'))
        return SecretspecSource("team", "dotenv:team.env", surroundings(tmp_path))

    @pytest.fixture
    def away(self, tmp_path: Path) -> SecretSource:
        return SecretspecSource("team", "nonsense://there-is-no-such-provider", surroundings(tmp_path))


AGE_PREFIX = "AGE-SECRET-KEY-"
# Made with age 1.1.1 for this test alone; in pieces, so that no scan takes it for one in use.
AGE_KEY = AGE_PREFIX + "1DLSSFSAVEF4ZMFNVU69A3S5D8D6GDFDTLXDCYQPTZUHU07U4XPQQYJ5WTP"
AGE_FILE = """\
-----BEGIN AGE ENCRYPTED FILE-----
YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBzSk9yQ2gyZW1ESEswOXo4
b3luU1gzd2RCTjdLUkNLd0RlVjBNODNiZ0NBClhEUlJyZXdqaDVzVjJlcEpQK28r
Z3Y1WDd4Y0pWOHNCQlBGZGZOMWJrTHMKLS0tIFBrMktrYzNYM1pBcUZWUE43RHZi
cHQydlAzeVF1WEx2MHdqOHc0dmFUOFEKn8f2p36YTHwgkdIy3oCgVI5P/X7wbGfm
902XjqmnP88x3ksQW1Hi0K87V5+DriDmlGdm6qHlGiuoM2txh/S9id3oj39RLRS3
l2Bw9ohmeOUOlr3jJPG661el8flRXM7fVnvcFTZD+dL8g11uksDVynHmMeX3PPHv
GoTKrEaTLqyz3JscPBwFtQPsM++OdMntHBKHQ4UPj/Tsyz9T8AviBpgnrdccXU/x
8NetEjB/nwqvFJFQqpIaael9
-----END AGE ENCRYPTED FILE-----
"""


class TestSecretspecAge(SourceConformance):
    """The library decrypts by itself."""

    @pytest.fixture
    def source(self, tmp_path: Path) -> SecretSource:
        private(tmp_path / "key.txt", f"{AGE_KEY}\n")
        (tmp_path / "team.age").write_text(AGE_FILE)
        return SecretspecSource("team", "age://team.age?identity=key.txt", surroundings(tmp_path))

    @pytest.fixture
    def away(self, tmp_path: Path) -> SecretSource:
        (tmp_path / "team.age").write_text(AGE_FILE)
        return SecretspecSource("team", "age://team.age?identity=no-key.txt", surroundings(tmp_path))


class VaultHandler(BaseHTTPRequestHandler):
    """As HashiCorp documents ``GET /v1/<mount>/data/<path>`` of the KV engine, version 2."""

    def do_GET(self) -> None:
        if (
            self.headers.get("X-Vault-Token") != "the-token"
            or self.path.split("?")[0] != "/v1/secret/data/app"
        ):
            self._send(404 if self.headers.get("X-Vault-Token") == "the-token" else 403, {"errors": []})
            return
        self._send(200, {"data": {"data": VALUES, "metadata": {"version": 1}}})

    def _send(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name there)
        pass


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), VaultHandler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("VAULT_TOKEN", "the-token")
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


class TestSecretspecVault(SourceConformance):
    """Vault and OpenBao speak the same; the server is a small one of ours."""

    @pytest.fixture
    def source(self, vault: str, tmp_path: Path) -> SecretSource:
        return SecretspecSource("vault", f"vault://{vault}/secret?tls=false", surroundings(tmp_path))

    @pytest.fixture
    def away(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SecretSource:
        monkeypatch.setenv("VAULT_TOKEN", "the-token")
        return SecretspecSource("vault", "vault://127.0.0.1:1/secret?tls=false", surroundings(tmp_path, 2.0))

    def name_of(self, name: str) -> str:
        return f"app#{name}"


FAKE_OP = """\
#!/bin/sh
# As the CLI of 1Password answers where the desktop app is unlocked.
echo "$*" >> "$OP_LOG"
case "$1 $2" in
  "vault list") echo '[{"id":"v1","name":"Infra"}]' ;;
  "read --no-newline")
    file="$OP_FIELDS/${3##*/}"
    [ -e "$file" ] || { echo "[ERROR] item 'Infra/db' doesn't have a field" >&2; exit 1; }
    cat "$file" ;;
  *) echo "[ERROR] unexpected" >&2; exit 1 ;;
esac
"""


class TestOnePassword(SourceConformance):
    """The library starts ``op``, which is a script here."""

    @pytest.fixture
    def source(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SecretSource:
        (tmp_path / "fields").mkdir()
        for name, value in VALUES.items():
            private(tmp_path / "fields" / name, value)
        (tmp_path / "bin").mkdir()
        program = tmp_path / "bin" / "op"
        program.write_text(FAKE_OP)
        program.chmod(0o700)
        (tmp_path / "op.log").touch()
        monkeypatch.setenv("OP_FIELDS", str(tmp_path / "fields"))
        monkeypatch.setenv("OP_LOG", str(tmp_path / "op.log"))
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
        return OnePasswordSource(surroundings(tmp_path))

    @pytest.fixture
    def away(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SecretSource:
        """It never answers: the app waits for a fingerprint that nobody gives."""
        program = tmp_path / "op"
        program.write_text("#!/bin/sh\nexec sleep 20\n")
        program.chmod(0o700)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        return OnePasswordSource(surroundings(tmp_path, 1.0))

    def name_of(self, name: str) -> str:
        return f"//Infra/db/{name}"

    def test_no_value_is_in_the_arguments_of_the_program(self, source: SecretSource, tmp_path: Path) -> None:
        source.get(self.name_of("PLAIN"))

        log = (tmp_path / "op.log").read_text()
        assert "op://Infra/db/PLAIN" in log
        assert not any(value in log for value in VALUES.values())


class TestPlugin(SourceConformance):
    @pytest.fixture
    def source(self) -> SecretSource:
        return PluginSource("acme", lambda: EnvironmentSource(VALUES), 5.0)

    @pytest.fixture
    def away(self) -> SecretSource:
        def never() -> SecretSource:
            threading.Event().wait(20)
            raise AssertionError

        return PluginSource("acme", never, 0.2)
