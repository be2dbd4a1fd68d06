"""Who may say that code runs, for how long that holds, and everything that takes it back."""

import shutil
from pathlib import Path

import pytest

from babysitter.model.errors import RefusedError, SignatureError, UntrustedProcessError
from babysitter.model.trust_statement import parse_trust
from babysitter.service.process.records import TRUST_FOLDER
from babysitter.service.process_trust import Trusting
from babysitter.signing.verify import verify_signature
from tests.unit.service.process.places import FILES, TrustPlace
from tests.unit.service.signing import ALICE, BOB, EVE, KEYS, SIGNERS

pytestmark = pytest.mark.promise("G07")
REVIEWED = (
    '[roles]\nreviewers = ["alice@example.com", "bob@example.com"]\n[trust]\nreviewers = ["reviewers"]\n'
)


def refused(place: TrustPlace, *, reason: str) -> UntrustedProcessError:
    with pytest.raises(UntrustedProcessError) as refusal:
        place.admit()
    assert refusal.value.facts["reason"] == reason
    assert refusal.value.exit_status == 4
    return refusal.value


def test_code_that_nobody_has_trusted_is_refused_with_the_command_that_changes_it(tmp_path: Path) -> None:
    refusal = refused(TrustPlace(tmp_path), reason="unknown")

    assert "babysitter process review flow.py" in refusal.hint
    assert "babysitter process trust flow.py" in refusal.hint


@pytest.mark.parametrize("person", [ALICE, None], ids=["signed", "local"])
@pytest.mark.parametrize("changed", FILES)
def test_one_byte_of_any_file_takes_trust_back(tmp_path: Path, changed: str, person: str | None) -> None:
    place = TrustPlace(tmp_path).with_signers()
    given = place.trust(person)
    assert place.admit().by == (given.by,)

    place.write(changed, FILES[changed] + "#")

    refused(place, reason="unknown")
    place.write(changed, FILES[changed])
    assert place.admit().by == (given.by,)


def test_a_signed_word_says_who_and_which_statement(tmp_path: Path) -> None:
    place = TrustPlace(tmp_path).with_signers()

    given = place.trust(ALICE)
    admitted = place.admit()

    assert (admitted.method, admitted.by) == ("signed", (ALICE,))
    [path] = place.root.glob(f"{TRUST_FOLDER}/*/*.json")
    statement = parse_trust(path.read_bytes())
    assert statement.predicate.process_digest == given.digest
    assert {subject.name for subject in statement.subject} == set(FILES)
    verify_signature(
        place.trust_now(),
        message=path.read_bytes(),
        armored=path.with_name(f"{path.name}.sig").read_text(),
        principal=ALICE,
        namespace="babysitter-process",
        at_ns=place.clock.now_ns(),
    )


def test_a_word_of_an_account_is_private_and_about_one_folder(tmp_path: Path) -> None:
    place = TrustPlace(tmp_path)
    given = place.trust(None)

    assert place.admit().method == "local"
    assert not (place.root / TRUST_FOLDER).exists()
    files = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert Path(given.path) in files
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "state").rglob("*") if path.is_dir()} == {0}
    shutil.copytree(place.root, tmp_path / "copy")
    refused(TrustPlace(tmp_path, root="copy"), reason="unknown")


def test_a_word_that_others_could_have_written_does_not_count(tmp_path: Path) -> None:
    place = TrustPlace(tmp_path)
    path = Path(place.trust(None).path)

    path.chmod(0o622)

    assert "could have been written by others" in refused(place, reason="record").message


def test_in_ci_an_unsigned_word_neither_counts_nor_is_taken(tmp_path: Path) -> None:
    TrustPlace(tmp_path).trust(None)
    place = TrustPlace(tmp_path, in_ci=True)

    assert "CI" in refused(place, reason="record").message
    with pytest.raises(RefusedError, match="CI is set"):
        place.trust(None)


def test_untrusted_code_may_be_allowed_but_not_in_ci(tmp_path: Path) -> None:
    admitted = TrustPlace(tmp_path).admit(allow_untrusted=True)

    assert (admitted.method, admitted.by) == ("allowed-untrusted", ("me",))
    with pytest.raises(RefusedError, match="--allow-untrusted is for a person"):
        TrustPlace(tmp_path, in_ci=True).admit(allow_untrusted=True)


def test_signers_that_came_with_the_code_count_once_somebody_has_said_so(tmp_path: Path) -> None:
    """A stranger's repository brings a process, a signature, and the file that says whose key that is."""
    TrustPlace(tmp_path / "stranger").with_signers().trust(EVE)
    shutil.copytree(tmp_path / "stranger" / "ws", tmp_path / "mine" / "ws")
    place = TrustPlace(tmp_path / "mine")

    refusal = refused(place, reason="signers")
    assert "BABYSITTER_SIGNERS_SHA256" in refusal.hint
    Trusting(place).believe_signers()

    assert place.admit().by == (EVE,)
    (place.root / "allowed_signers").write_text(SIGNERS + "# one more\n")
    refused(place, reason="signers")


def test_the_environment_may_name_the_signers_that_count(tmp_path: Path) -> None:
    place = TrustPlace(tmp_path).with_signers()
    place.trust(ALICE)
    digest = place.process_trust.signers_sha256()

    assert TrustPlace(tmp_path, in_ci=True, pinned=digest).admit().method == "signed"
    refused(TrustPlace(tmp_path, in_ci=True, pinned="0" * 64), reason="signers")
    with pytest.raises(RefusedError, match="BABYSITTER_SIGNERS_SHA256"):
        Trusting(TrustPlace(tmp_path, pinned="0" * 64)).believe_signers()


def test_a_revoked_key_trusts_nothing_any_more(tmp_path: Path) -> None:
    place = TrustPlace(tmp_path).with_signers()
    place.trust(ALICE)
    assert place.admit().by == (ALICE,)

    (place.root / "revoked_keys").write_text(f"{KEYS[ALICE].line}\n")

    assert "revoked" in refused(place, reason="record").message


def test_only_reviewers_count_where_they_are_named_and_no_unsigned_word(tmp_path: Path) -> None:
    TrustPlace(tmp_path).with_signers().trust(None)
    TrustPlace(tmp_path).trust(EVE)
    place = TrustPlace(tmp_path, settings=REVIEWED)

    assert "eve@example.com is none of reviewers" in refused(place, reason="record").message
    for person in (EVE, None):
        with pytest.raises(RefusedError):
            place.trust(person)
    place.trust(BOB)
    assert place.admit().by == (BOB,)


def test_a_quorum_is_of_different_people(tmp_path: Path) -> None:
    place = TrustPlace(tmp_path, settings=REVIEWED + "quorum = 2\n").with_signers()
    place.trust(ALICE)
    place.trust(ALICE)
    assert "1 of 2 reviewers" in refused(place, reason="record").message

    place.trust(BOB)

    assert set(place.admit().by) == {ALICE, BOB}


@pytest.mark.parametrize(
    "settings", ['[sandbox]\nmode = "none"\n', '[[sandbox.tasks]]\ntask = "x"\nnetwork = ["*"]\n']
)
def test_settings_that_let_the_code_do_more_take_trust_back(tmp_path: Path, settings: str) -> None:
    TrustPlace(tmp_path).with_signers().trust(ALICE)

    refused(TrustPlace(tmp_path, settings=settings), reason="settings")
    assert TrustPlace(tmp_path, settings="[budget]\nsteps = 3\n").admit().by == (ALICE,)


def test_a_statement_that_was_touched_does_not_count(tmp_path: Path) -> None:
    place = TrustPlace(tmp_path).with_signers()
    path = Path(place.trust(ALICE).path)

    path.write_bytes(path.read_bytes().replace(b'"entry":"flow.py"', b'"entry":"evil.py"'))
    refused(place, reason="record")


def test_a_statement_about_other_code_does_not_count_under_this_codes_name(tmp_path: Path) -> None:
    """Moved into the folder of another digest it is still about its own."""
    place = TrustPlace(tmp_path).with_signers()
    path = Path(place.trust(ALICE).path)
    place.write("near.py", "VALUE = 2\n")
    digest = refused(place, reason="unknown").facts["digest"]

    shutil.copytree(path.parent, place.root / TRUST_FOLDER / digest)

    refused(place, reason="unknown")


def test_a_signature_for_another_purpose_is_no_trust(tmp_path: Path) -> None:
    place = TrustPlace(tmp_path).with_signers()
    path = Path(place.trust(ALICE).path)

    other = KEYS[ALICE].signature(path.read_bytes(), namespace="babysitter-approval")
    path.with_name(f"{path.name}.sig").write_text(other)

    refused(place, reason="record")


def test_what_is_not_canonical_is_no_statement(tmp_path: Path) -> None:
    place = TrustPlace(tmp_path).with_signers()
    data = Path(place.trust(ALICE).path).read_bytes()

    with pytest.raises(SignatureError, match="not the canonical form"):
        parse_trust(b" " + data)


def test_who_trusts_a_process_trusts_the_children_that_it_imports_and_no_other_entry(tmp_path: Path) -> None:
    place = TrustPlace(tmp_path)
    place.write("flow.py", "import child\n" + FILES["flow.py"])
    place.write("child.py", "import near\n" + FILES["flow.py"].replace("main", "small"))
    place.write("other.py", FILES["flow.py"])
    place.trust(None)

    assert place.admit("child.py#small").method == "local"
    with pytest.raises(UntrustedProcessError):
        place.admit("other.py")
    place.write("near.py", "VALUE = 2\n")
    with pytest.raises(UntrustedProcessError):
        place.admit("child.py#small")


def test_a_statement_that_only_mentions_a_digest_is_not_about_it(tmp_path: Path) -> None:
    place = TrustPlace(tmp_path).with_signers()
    place.write("near.py", "VALUE = 2\n")
    digest = refused(place, reason="unknown").facts["digest"]
    place.write("near.py", "import subprocess\nsubprocess.run(['x'])\n")
    place.trust(ALICE, accept={"programs": f"not the same as {digest}"})

    place.write("near.py", "VALUE = 2\n")

    refused(place, reason="unknown")


def test_a_word_about_another_folder_does_not_count_wherever_it_is_kept(tmp_path: Path) -> None:
    word = Path(TrustPlace(tmp_path, root="other").trust(None).path)
    place = TrustPlace(tmp_path)
    place.process_trust.local.folder.mkdir(parents=True)

    shutil.copy(word, place.process_trust.local.folder)

    refused(place, reason="unknown")
