"""Rules about production, the file of signers, and keys and certificates that end."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.integration.doctor.ward import NOW_NS, RULE, Arrange, Cases, Ward, names_of
from tests.unit.signing.software_keys import certified as certify
from tests.unit.signing.software_keys import ed25519_key

NOW = datetime.fromtimestamp(NOW_NS // 1_000_000_000, UTC)
ALICE, BOB = "alice@example.com", "bob@example.com"
NO_SUCH_KEY = """
[[notify.channels]]
name = "ops"
kind = "webhook"
url = "https://hooks.example.com/"
keys = ["env:A_KEY_THAT_NOBODY_HAS_SET"]
"""
KEYS = {ALICE: ed25519_key(), BOB: ed25519_key()}


def ruled(more: str = "") -> Arrange:
    return lambda ward: ward.settings(RULE + more)


def signers(ward: Ward, options: str = "", people: tuple[str, ...] = (ALICE, BOB)) -> None:
    lines = "".join(f"{name} {options} {KEYS[name].line}\n" for name in people)
    ward.write("allowed_signers", lines, mode=0o600)


def ruled_and_signed(ward: Ward, options: str = "", people: tuple[str, ...] = (ALICE, BOB)) -> None:
    ward.settings(RULE)
    signers(ward, options, people)


def before(days: float) -> str:
    return f'valid-before="{NOW + timedelta(days=days):%Y%m%d%H%M%SZ}"'


def bundle(path: Path, *days: float) -> None:
    """Write certificates that end in so many days."""
    key = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority")])
    data = b""
    for each in days:
        end = NOW + timedelta(days=each)
        made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        made = made.not_valid_before(end - timedelta(days=3650)).not_valid_after(end)
        data += made.sign(key, algorithm=None).public_bytes(Encoding.PEM)
    path.write_bytes(data)


def channelled(key: str, more: str = "") -> Arrange:
    """Have a channel whose key is in a file."""

    def arrange(ward: Ward) -> None:
        path = ward.write("hook.key", key, mode=0o600)
        ward.settings(
            '[[notify.channels]]\nname = "ops"\nkind = "webhook"\nurl = "https://hooks.example.com/"\n'
            f'keys = ["file:{path}"]\n{more}{RULE}'
        )

    return arrange


def roots(*days: float) -> Arrange:
    def arrange(ward: Ward) -> None:
        ward.settings(
            '[[log.witnesses]]\nname = "t"\nkind = "timestamp"\nurl = "http://t.example"\n'
            'roots = "roots.pem"\n'
        )
        bundle(ward.root / "roots.pem", *days)

    return arrange


def certified(days: float) -> Arrange:
    def arrange(ward: Ward) -> None:
        key = ward.write("../home/id", "unread\n")
        line = certificate_line(round(NOW.timestamp() + days * 86_400))
        key.with_name("id-cert.pub").write_text(f"{line} alice\n")
        ward.environ["BABYSITTER_KEY"] = str(key)

    return arrange


def certificate_line(valid_before_s: int) -> str:
    return certify(ed25519_key(), authority=ed25519_key(), valid=(0, valid_before_s)).certificate_line


CASES: Cases = {
    ("D02-rule-for-production", "ok"): ruled(),
    ("D02-rule-for-production", "note"): lambda _: None,
    ("D24-signed-production", "ok"): ruled(),
    ("D24-signed-production", "problem"): ruled("signature = false\n"),
    ("D24-signed-production", "not-applicable"): lambda _: None,
    ("D25-authors-approve-production", "ok"): ruled(),
    ("D25-authors-approve-production", "problem"): ruled("author_may_approve = true\n"),
    ("D25-authors-approve-production", "not-applicable"): lambda _: None,
    ("D25-anybody-approves-production", "ok"): ruled(),
    ("D25-anybody-approves-production", "problem"): ruled('people = ["*"]\n'),
    ("D25-anybody-approves-production", "not-applicable"): lambda _: None,
    ("D25-one-person-for-production", "ok"): ruled("quorum = 2\n"),
    ("D25-one-person-for-production", "note"): ruled(),
    ("D25-one-person-for-production", "not-applicable"): lambda _: None,
    ("D28-settings", "ok"): ruled(),
    ("D28-settings", "problem"): lambda ward: ward.settings("[sandbx]\n"),
    ("D28-settings", "note"): lambda ward: (ward.root / "babysitter.toml").unlink(),
    ("D28-acceptances", "ok"): ruled('[[doctor.accept]]\ncheck = "D05-not-root"\nreason = "r"\n'),
    ("D28-acceptances", "problem"): ruled('[[doctor.accept]]\ncheck = "D05"\nreason = "r"\n'),
    ("D28-acceptances", "not-applicable"): ruled(),
    ("D24-signers", "ok"): ruled_and_signed,
    ("D24-signers", "problem"): ruled(),
    ("D24-signers", "not-applicable"): lambda _: None,
    ("D24-approvers-can-sign", "ok"): ruled_and_signed,
    ("D24-approvers-can-sign", "problem"): lambda ward: ruled_and_signed(ward, before(-1)),
    ("D24-approvers-can-sign", "not-applicable"): lambda _: None,
    ("D24-expiring-keys", "ok"): lambda ward: signers(ward, before(31)),
    ("D24-expiring-keys", "problem"): lambda ward: signers(ward, before(29)),
    ("D24-expiring-keys", "not-applicable"): lambda _: None,
    ("D24-own-certificate", "ok"): certified(31),
    ("D24-own-certificate", "problem"): certified(29),
    ("D24-own-certificate", "not-applicable"): lambda _: None,
    ("D20-named-certificates", "ok"): roots(31),
    ("D20-named-certificates", "problem"): roots(29),
    ("D20-named-certificates", "not-applicable"): lambda _: None,
    ("D12-people-are-told", "ok"): channelled("whsec_" + "a" * 43 + "="),
    ("D12-people-are-told", "problem"): ruled('remind_after = "1h"\n'),
    ("D12-people-are-told", "not-applicable"): ruled(),
}


@pytest.mark.parametrize(("case", "arrange"), CASES.items(), ids=names_of(CASES))
def test_a_check_says_what_is_so(case: tuple[str, str], arrange: Arrange, ward: Ward) -> None:
    arrange(ward)

    found = ward.look(case[0])

    assert found.state == case[1], found


def test_a_rule_that_wants_more_people_than_have_keys_is_a_problem(ward: Ward) -> None:
    ward.settings(f"{RULE}quorum = 2\n")
    signers(ward, people=(ALICE,))

    found = ward.look("D24-approvers-can-sign")

    assert found.found == "rule production wants 2 and has 1 (bob@example.com has no valid key)"


def test_a_revoked_key_is_no_key(ward: Ward) -> None:
    ruled_and_signed(ward, people=(ALICE,))
    ward.write("revoked_keys", f"{KEYS[ALICE].line}\n", mode=0o600)

    assert ward.look("D24-approvers-can-sign").state == "problem"


def test_a_file_of_signers_that_can_not_be_read_is_a_problem_with_its_line(ward: Ward) -> None:
    ward.settings(RULE)
    ward.write("allowed_signers", "# who\nalice nonsense\n", mode=0o600)

    found = ward.look("D24-signers")

    assert (found.state, "line 2" in found.found) == ("problem", True)


def test_a_bundle_is_of_use_while_one_of_its_certificates_lasts(ward: Ward) -> None:
    roots(-400, 400)(ward)
    lasting = ward.look("D20-named-certificates")
    roots(-400, 3)(ward)

    assert (lasting.state, ward.look("D20-named-certificates").state) == ("ok", "problem")


@pytest.mark.parametrize("content", [b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_named_file_without_certificates_is_a_problem(content: bytes, ward: Ward) -> None:
    ward.environ["SSL_CERT_FILE"] = str(ward.write("ca.pem", content))

    assert ward.look("D20-named-certificates").severity == "high"


def test_a_certificate_that_has_ended_is_worse_than_one_that_ends(ward: Ward) -> None:
    certified(-1)(ward)

    found = ward.look("D24-own-certificate")

    assert (found.severity, "has ended" in found.found) == ("medium", True)


@pytest.mark.parametrize("when", ["critical = true", 'environment = ["staging", "production"]'])
def test_rules_about_production_are_known_however_they_say_it(when: str, ward: Ward) -> None:
    ward.settings(f'[[approvals]]\nid = "r"\nwhen = {{ {when} }}\npeople = ["*"]\n')

    assert ward.look("D25-anybody-approves-production").state == "problem"


def test_wrong_settings_leave_what_hangs_on_them_unchecked(ward: Ward) -> None:
    ward.settings("x = [")

    on_their_own = ("D28-settings", "D24-own-certificate")
    states = {ward.look(check_id).state for check_id, _ in CASES if check_id not in on_their_own}

    assert states == {"could-not-check"}


@pytest.mark.parametrize(
    ("arrange", "what"),
    [
        (channelled("no key at all"), "as a key, which holds none"),
        (channelled("whsec_" + "a" * 43 + "=", 'to = ["manager"]\n'), "neither role nor person"),
        (lambda ward: ward.settings(NO_SUCH_KEY), "lacks a secret"),
    ],
)
def test_a_channel_that_can_not_be_used_is_a_problem_and_says_why(
    arrange: Arrange, what: str, ward: Ward
) -> None:
    arrange(ward)

    found = ward.look("D12-people-are-told")

    assert (found.state, what in found.found) == ("problem", True), found
    assert "no key at all" not in f"{found.found} {found.fix}"
