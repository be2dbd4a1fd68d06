"""An auditor without a shell takes everything with one click, and it verifies elsewhere with stock tools."""

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.integration.pages.people import Person
from tests.integration.pages.served import Server

pytestmark = [
    pytest.mark.promise("G24"),
    pytest.mark.needs("chromium", "git", "bash", "jq", "openssl", "ssh-keygen", "xxd"),
]


def test_what_one_click_gives_verifies_elsewhere(server: Server, ada: Person, tmp_path: Path) -> None:
    page = ada.question("taken", server.ask("plain", "taken"))
    page.get_by_role("button", name="Approve").click()
    page.locator("#stands[data-state=released]").wait_for()
    assert server.wait_ended("taken") == "completed"

    page = ada.open("/audit")
    with page.expect_download() as taken:
        page.get_by_role("link", name="Export all").click()
    target = tmp_path / taken.value.suggested_filename
    taken.value.save_as(target)

    assert target.name == "audit.tar"
    own = [sys.executable, "-m", "babysitter", "audit", "verify", str(target)]
    done = subprocess.run(own, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    with tarfile.open(target) as archive:
        archive.extractall(tmp_path, filter="data")
    script = ["bash", str(tmp_path / "audit" / "audit.sh"), str(tmp_path / "audit")]
    stock = subprocess.run(script, check=False, capture_output=True, text=True)
    assert (stock.returncode, stock.stdout.splitlines()[-1].split()[0]) == (0, "OK"), (
        stock.stdout + stock.stderr
    )
