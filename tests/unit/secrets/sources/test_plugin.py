"""Sources of other packages: asked only where the settings name both, kept to their time, quoted never."""

import sys
from pathlib import Path

import pytest

from babysitter.model.errors import SecretError, SecretSourceError, SettingsError
from babysitter.model.runner import SecretSource
from babysitter.model.secret_settings import SecretSourceTable
from babysitter.secrets.sources.catalogue import OWN_SCHEMES, make_sources
from babysitter.secrets.sources.env import EnvironmentSource
from babysitter.secrets.sources.plugin import PluginSource, load_plugin
from tests.unit.secrets.sources.test_secretspec import answering, around

NAME = "acme-secrets-for-a-test"
CODE = """\
IMPORTED = True


class Source:
    scheme = "acme"

    def __init__(self, options):
        self.options = options

    def get(self, name):
        return self.options.get(name)
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Install a package with a source of secrets, and return its name."""
    (tmp_path / "acme_secrets_for_a_test.py").write_text(CODE)
    facts = tmp_path / "acme_secrets_for_a_test-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(
        "[babysitter.secret_sources]\nacme = acme_secrets_for_a_test:Source\n[other]\nother = os:getcwd\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "acme_secrets_for_a_test", raising=False)
    return NAME


def test_a_named_entry_point_of_a_named_package_gives_secrets(installed: str) -> None:
    table = SecretSourceTable(plugin="acme", package=installed, options={"KEY": "value-of-it"})

    source = make_sources({"acme": table}, around(answering()))["acme"]

    assert source.get("KEY") == "value-of-it"
    assert source.get("OTHER") is None


def test_an_installed_package_that_nothing_names_is_not_imported(installed: str) -> None:
    sources = make_sources({}, around(answering()))

    assert sorted(sources) == sorted(OWN_SCHEMES)
    assert "acme_secrets_for_a_test" not in sys.modules


@pytest.mark.parametrize(("plugin", "package"), [("acme", "not-installed-anywhere"), ("other", NAME)])
def test_what_is_not_there_is_told(installed: str, plugin: str, package: str) -> None:
    with pytest.raises(SecretSourceError, match=package):
        load_plugin(plugin, package, {})


def test_what_a_plugin_raises_is_told_by_its_type_alone() -> None:
    def make() -> SecretSource:
        raise ValueError("hunter2hunter2")

    with pytest.raises(SecretSourceError, match="ValueError was raised") as caught:
        PluginSource("acme", make, 5.0).get("KEY")

    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_what_is_no_text_is_refused() -> None:
    class Bytes:
        scheme = "acme"

        def get(self, name: str) -> str | None:
            return b"value"  # type: ignore[return-value]

    with pytest.raises(SecretSourceError, match="a bytes is no text"):
        PluginSource("acme", Bytes, 5.0).get("KEY")


def test_an_error_of_ours_goes_through() -> None:
    class Refusing:
        scheme = "acme"

        def get(self, name: str) -> str | None:
            raise SecretError("it is locked.", hint="Unlock it.")

    with pytest.raises(SecretError, match="it is locked"):
        PluginSource("acme", Refusing, 5.0).get("KEY")


@pytest.mark.parametrize("scheme", OWN_SCHEMES)
def test_a_scheme_of_ours_can_not_be_given_another_meaning(scheme: str) -> None:
    with pytest.raises(SettingsError, match="another meaning"):
        make_sources({scheme: SecretSourceTable(provider="dotenv:.env")}, around(answering()))


def test_making_sources_asks_imports_and_starts_nothing() -> None:
    programs = answering()

    sources = make_sources({"v": SecretSourceTable(provider="vault://h/s")}, around(programs))

    assert isinstance(sources["env"], EnvironmentSource)
    assert programs.calls == []
