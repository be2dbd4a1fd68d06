"""Who may sign with which key, and until when (G20, G24)."""

import warnings
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from babysitter.model.errors import SignatureError, SignersError
from babysitter.model.rules import ANYBODY, Policy, Rule
from babysitter.service.doctor.check import Check, Result, not_applicable, ok, problem, some
from babysitter.service.doctor.surroundings import Surroundings
from babysitter.signing.allowed_signers import AllowedSigners, SignerLine
from babysitter.signing.certificates import Certificate, parse_signer
from babysitter.signing.keys import blob_of_line
from babysitter.signing.revocation import Revocations

SOON_DAYS = 30
_DAY_S = 86_400


def signers_are_there(here: Surroundings) -> Result:
    """Look whether there is a usable file of signers where rules want signatures."""
    signing = _signing_rules(here.wired.policy)
    path = here.wired.signers_path
    if not signing and not path.is_file():
        return not_applicable("no rule wants a signature")
    if not path.is_file():
        return problem(
            f"rule {some([each.id for each in signing])} wants signatures; there is no {here.shown(path)}",
            fix="Add the people who may approve, each with a public key of theirs.",
            command="babysitter key add YOU@EXAMPLE.COM ~/.ssh/id_ed25519.pub",
            places=("babysitter.toml",),
        )
    try:
        signers, _ = _signers(here)
    except SignersError as error:
        return problem(
            error.message, fix=error.hint, command="babysitter key list", places=(here.shown(path),)
        )
    return ok(f"{here.shown(path)} names {len(signers.lines)} key(s)")


def approvers_can_sign(here: Surroundings) -> Result:
    """Look for rules that want signatures of people who have no key that counts now."""
    signing = _signing_rules(here.wired.policy)
    if not signing or not here.wired.signers_path.is_file():
        return not_applicable("no rule wants a signature, or there is no file of signers")
    signers, revoked = _signers(here)
    short: list[str] = []
    for rule in signing:
        members = here.wired.policy.members(rule.roles, rule.people)
        able = [name for name in members if _can_sign(name, signers, revoked, here.now_s)]
        wanted = len(members) if rule.strategy == "all" else rule.quorum
        if ANYBODY not in members and len(able) < wanted:
            without = [name for name in members if name not in able]
            short.append(
                f"rule {rule.id} wants {wanted} and has {len(able)} ({some(without)} has no valid key)"
            )
    if not short:
        return ok("every rule that wants signatures has enough people with a key that counts")
    return problem(
        some(short),
        fix="Add a key for them, or renew the one that is no longer valid.",
        command="babysitter key list",
        places=(here.shown(here.wired.signers_path),),
    )


def keys_last(here: Surroundings) -> Result:
    """Look for keys of the file of signers that end soon."""
    if not here.wired.signers_path.is_file():
        return not_applicable("there is no file of signers")
    signers, revoked = _signers(here)
    ending = [
        f"{line.patterns} on {_day(line.valid_before_s)}"
        for line in signers.lines
        if line.valid_before_s is not None
        and not revoked.is_revoked(line.key)
        and 0 <= line.valid_before_s - here.now_s <= SOON_DAYS * _DAY_S
    ]
    if not ending:
        return ok(f"no key that counts now ends within {SOON_DAYS} days")
    return problem(
        f"ends within {SOON_DAYS} days: {some(ending)}",
        fix="Add the new key before that day; leave the old line, it verifies what was signed until then.",
        command="babysitter key list",
        places=(here.shown(here.wired.signers_path),),
    )


def own_certificate_lasts(here: Surroundings) -> Result:
    """Look at the certificate of the key that answers are signed with here."""
    key = here.environ.get("BABYSITTER_KEY")
    files = [] if not key or key == "agent" else _certificates(Path(key).expanduser())
    if not files:
        return not_applicable("BABYSITTER_KEY names no key with a certificate")
    for file in files:
        try:
            certificate = parse_signer(blob_of_line(file.read_text(encoding="utf-8"))[1])
        except (SignatureError, UnicodeDecodeError) as error:
            return problem(
                f"{file} is no certificate: {error}",
                fix="Have it issued again.",
                command=f"ssh-keygen -L -f {file}",
            )
        assert isinstance(certificate, Certificate), "a file of that name holds a certificate"
        left_s = certificate.valid_before_s - here.now_s
        if left_s <= SOON_DAYS * _DAY_S:
            when = "has ended" if left_s <= 0 else "ends"
            return problem(
                f"{file} {when} on {_day(certificate.valid_before_s)}",
                fix="Have it issued again.",
                command=f"ssh-keygen -L -f {file}",
                severity="medium" if left_s <= 0 else "low",
            )
    return ok(f"{files[0]} lasts more than {SOON_DAYS} days")


def named_certificates_last(here: Surroundings) -> Result:
    """Look at the certificates of files that the settings or the environment name."""
    files = [here.root / each.roots for each in here.settings.log.witnesses if each.roots]
    if here.environ.get("SSL_CERT_FILE"):
        files.append(Path(here.environ["SSL_CERT_FILE"]))
    if not files:
        return not_applicable("neither the settings nor SSL_CERT_FILE name a certificate")
    ending: list[str] = []
    for file in files:
        try:
            certificates = _certificates_in(file)
        except (OSError, ValueError) as error:
            return problem(
                f"{here.shown(file)} holds no certificates: {error}",
                fix="Put the authority's certificates there, as PEM.",
                command=f"openssl x509 -in {here.shown(file)} -noout -enddate",
                severity="high",
            )
        left = [(each.not_valid_after_utc.timestamp() - here.now_s, each) for each in certificates]
        # A bundle of many has ended ones in it always; it is of use while one lasts.
        best_s, best = max(left, key=lambda pair: pair[0])
        if best_s <= SOON_DAYS * _DAY_S:
            ending.append(f"{here.shown(file)} on {best.not_valid_after_utc:%Y-%m-%d}")
    if not ending:
        return ok(f"{some([here.shown(file) for file in files])} lasts more than {SOON_DAYS} days")
    return problem(
        f"the last certificate ends within {SOON_DAYS} days, or has: {some(ending)}",
        fix="Get the authority's new one.",
        command=f"openssl x509 -in {here.shown(files[0])} -noout -enddate",
    )


def _certificates_in(file: Path) -> list[x509.Certificate]:
    with warnings.catch_warnings():
        # Some authorities have serial numbers that no standard allows; that is not what is asked here.
        warnings.simplefilter("ignore")
        return x509.load_pem_x509_certificates(file.read_bytes())


def _signing_rules(policy: Policy) -> list[Rule]:
    return [rule for rule in policy.rules if rule.signature is not False]


def _signers(here: Surroundings) -> tuple[AllowedSigners, Revocations]:
    signers, revoked = here.wired.signer_files.read()
    return (
        AllowedSigners.parse(signers, file=here.shown(here.wired.signers_path)),
        Revocations.parse(revoked, file=here.shown(here.wired.revoked_path)) if revoked else Revocations(),
    )


def _can_sign(name: str, signers: AllowedSigners, revoked: Revocations, now_s: int) -> bool:
    """Tell whether a person has a key, or an authority that may speak for them, that counts now."""
    return any(
        line.names(name) and _counts(line, now_s) and not revoked.is_revoked(line.key)
        for line in signers.lines
    )


def _counts(line: SignerLine, now_s: int) -> bool:
    after, before = line.valid_after_s, line.valid_before_s
    return (after is None or now_s >= after) and (before is None or now_s <= before)


def _certificates(key: Path) -> list[Path]:
    """Return the certificate that a key is, or that lies beside it."""
    name = key.name.removesuffix(".pub").removesuffix("-cert")
    file = key.with_name(f"{name}-cert.pub")
    return [file] if file.is_file() else []


def _day(seconds: int | None) -> str:
    return f"{datetime.fromtimestamp(seconds or 0, UTC):%Y-%m-%d}"


CHECKS = (
    Check(
        id="D20-named-certificates",
        title="the certificates that are named last",
        promise="G20",
        severity="medium",
        why="on the day that an authority's certificate ends, nothing it vouches for is trusted.",
        look=named_certificates_last,
    ),
    Check(
        id="D24-signers",
        title="the file of signers is there and can be used",
        promise="G24",
        severity="high",
        why="without it nobody's signature counts, and every question that wants one waits for ever.",
        look=signers_are_there,
    ),
    Check(
        id="D24-approvers-can-sign",
        title="who may approve has a key that counts",
        promise="G24",
        severity="high",
        why="the question would wait for people who can't answer it.",
        look=approvers_can_sign,
    ),
    Check(
        id="D24-expiring-keys",
        title="no key ends soon",
        promise="G24",
        severity="medium",
        why="from that day on the person's answers are refused.",
        look=keys_last,
    ),
    Check(
        id="D24-own-certificate",
        title="the certificate of your own key lasts",
        promise="G24",
        severity="low",
        why="from that day on your answers are refused.",
        look=own_certificate_lasts,
    ),
)
