"""The environment that runs are driven in (G10, G14, G19, G20)."""

import math
import re
from collections import Counter

from babysitter.secrets.recognise import recognised_names
from babysitter.service.doctor.check import Check, Result, not_applicable, note, ok, problem, some
from babysitter.service.doctor.surroundings import Surroundings

SECRET_LOGS = "BABYSITTER_ALLOW_SECRET_LOGS"  # noqa: S105 (a variable's name)
_TRUE = ("1", "true", "yes")
_TOKENS = ("AGENT_TOKEN", "HUMAN_TOKEN")
TOKEN_CHARS_MIN = 32
TOKEN_BITS_MIN = 96
_ASSIGNED = re.compile(rf"^\s*(?:export\s+)?{SECRET_LOGS}\s*=\s*[\"']?\s*(\w+)", re.MULTILINE)
_UNVERIFIED = {
    "PYTHONHTTPSVERIFY": ("0",),
    "NODE_TLS_REJECT_UNAUTHORIZED": ("0",),
    "GIT_SSL_NO_VERIFY": ("1", "true", "yes", "on"),
    "npm_config_strict_ssl": ("false",),
    "NPM_CONFIG_STRICT_SSL": ("false",),
}
"""Variables that switch the verification of certificates off, with the values that do."""


def secret_logs_are_off(here: Surroundings) -> Result:
    """Look whether live output may show secrets: here, or for whoever reads the workspace's .env files."""
    places = []
    if here.environ.get(SECRET_LOGS, "").strip().lower() in _TRUE:
        places.append("the environment")
    for path in here.environment_files():
        found = _ASSIGNED.findall(path.read_text(encoding="utf-8", errors="replace"))
        if any(value.lower() in _TRUE for value in found):
            places.append(here.shown(path))
    if not places:
        return ok(f"{SECRET_LOGS} is not set to true")
    return problem(
        f"{SECRET_LOGS} is true in {some(places)}",
        fix="Take it out. What is on disk is masked whatever it says; terminals and their logs are not.",
        command=f"unset {SECRET_LOGS}",
        places=tuple(place for place in places if place != "the environment"),
    )


def secrets_can_be_masked(here: Surroundings) -> Result:
    """Look for variables whose names look secret and whose values can't be masked."""
    maskable, too_short = recognised_names(here.environ)
    if not here.settings.secrets.recognise:
        if not maskable and not too_short:
            return ok("no variable has a name that looks secret")
        declared = set(here.settings.secrets.names)
        loose = [name for name in (*maskable, *too_short) if name not in declared]
        if not loose:
            return ok("every variable that looks secret is named in [secrets] names")
        return problem(
            f"[secrets] recognise is off, and {some(loose)} is not in [secrets] names",
            fix="Name them, or take `recognise = false` out of babysitter.toml.",
            places=("babysitter.toml",),
        )
    if too_short:
        return problem(
            f"{some(list(too_short))} looks secret, and is too short to be told from ordinary text",
            fix="Use longer values, or take the variables out of the environment of whoever drives runs.",
            command=f"unset {' '.join(too_short)}",
        )
    return ok(f"{len(maskable)} variable(s) look secret, and all of them can be masked")


def secrets_are_few(here: Surroundings) -> Result:
    """Name the variables that look secret: whoever drives runs holds them."""
    maskable, _ = recognised_names(here.environ)
    if not maskable:
        return ok("no variable of this environment has a name that looks secret")
    declared = set(here.settings.secrets.names)
    others = [name for name in maskable if name not in declared]
    if not others:
        return ok("each variable that looks secret is named in [secrets] names")
    return note(
        f"this environment holds {some(others, 5)}: masked, and given only to tasks that ask for them",
        fix="Drive runs from an environment that has only what its processes need.",
        command='env -i PATH="$PATH" HOME="$HOME" babysitter doctor',
    )


def tokens_are_strong(here: Surroundings) -> Result:
    """Look at the tokens by which agents and people are told apart."""
    tokens = {name: here.environ[name] for name in _TOKENS if here.environ.get(name)}
    if not tokens:
        return not_applicable(f"neither {' nor '.join(_TOKENS)} is set; the server has tokens of its own")
    if len(tokens) == 2 and len(set(tokens.values())) == 1:
        return problem(
            f"{' and '.join(tokens)} are the same, so an agent can answer as a person",
            fix="Give each its own.",
            command=f"export HUMAN_TOKEN=$({_MAKE})",
            severity="critical",
        )
    weak = [name for name, value in tokens.items() if _is_weak(value)]
    if weak:
        return problem(
            f"{' and '.join(weak)} can be guessed: a token wants {TOKEN_CHARS_MIN} random characters or more",
            fix="Make a random one.",
            command="; ".join(f"export {name}=$({_MAKE})" for name in weak),
        )
    return ok(f"{' and '.join(tokens)}: long and unlike each other")


_MAKE = "openssl rand -hex 32"


def _is_weak(token: str) -> bool:
    """Tell whether a token is short, or has so little variety that it was not made by dice."""
    counts = Counter(token)
    bits = -sum(count * math.log2(count / len(token)) for count in counts.values())
    return len(token) < TOKEN_CHARS_MIN or bits < TOKEN_BITS_MIN


def certificates_are_verified(here: Surroundings) -> Result:
    """Look for what switches the verification of certificates off, for us and for programs that we start."""
    off = [
        name for name, values in _UNVERIFIED.items() if here.environ.get(name, "").strip().lower() in values
    ]
    if off:
        return problem(
            f"{some(off)} switches the verification of certificates off",
            fix="Take it out; give a private authority with SSL_CERT_FILE.",
            command=f"unset {' '.join(off)}",
        )
    asked = here.git.call("config", "--type=bool", "--get", "http.sslVerify", safe=False)
    if asked.status == 0 and asked.stdout.strip() == b"false":
        return problem(
            "git's http.sslVerify is false",
            fix="Take it out; give a private authority with http.sslCAInfo.",
            command="git config --show-origin --get-all http.sslVerify",
        )
    return ok("nothing switches the verification of certificates off")


CHECKS = (
    Check(
        id="D10-secrets-can-be-masked",
        title="every variable that looks secret can be masked",
        promise="G10",
        severity="medium",
        why="a value of fewer than eight characters occurs in ordinary text, so it is not masked.",
        look=secrets_can_be_masked,
    ),
    Check(
        id="D10-secrets-in-environment",
        title="the environment holds only the secrets that are named",
        promise="G10",
        severity="low",
        why="what is not there can't leak.",
        look=secrets_are_few,
    ),
    Check(
        id="D14-secret-logs",
        title="live output does not show secrets",
        promise="G14",
        severity="high",
        why="terminals are recorded, and CI keeps their output.",
        look=secret_logs_are_off,
    ),
    Check(
        id="D19-strong-tokens",
        title="tokens are long, and an agent's is not a person's",
        promise="G19",
        severity="high",
        why="whoever guesses a person's token approves as that person.",
        look=tokens_are_strong,
    ),
    Check(
        id="D20-certificates-are-verified",
        title="certificates are verified",
        promise="G20",
        severity="high",
        why="HTTPS without verification is a conversation with anybody.",
        look=certificates_are_verified,
    ),
)
