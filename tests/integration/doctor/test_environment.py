"""Variables of the environment: secrets, tokens, verification switched off."""

import pytest

from tests.integration.doctor.ward import Arrange, Cases, Ward, names_of

LONG = "8f2b6c1d9e4a7f30b5c8d1e6f9a2b4c7"
OTHER = "1a9d4e7b2c5f8a3d6e9b0c4f7a1d5e8b"


def setting(**variables: str) -> Arrange:
    return lambda ward: ward.environ.update(variables)


def nothing_recognised(ward: Ward) -> None:
    ward.settings("[secrets]\nrecognise = false\n")
    ward.environ["API_KEY"] = "long enough"


def unverified_git(ward: Ward) -> None:
    ward.repository()
    ward.git("config", "http.sslVerify", "false")


CASES: Cases = {
    ("D10-secrets-can-be-masked", "ok"): setting(API_KEY="long enough"),
    ("D10-secrets-can-be-masked", "problem"): setting(API_KEY="short"),
    ("D10-secrets-in-environment", "ok"): setting(EDITOR="vi"),
    ("D10-secrets-in-environment", "note"): setting(API_KEY="long enough"),
    ("D14-secret-logs", "ok"): setting(BABYSITTER_ALLOW_SECRET_LOGS="false"),
    ("D14-secret-logs", "problem"): setting(BABYSITTER_ALLOW_SECRET_LOGS="true"),
    ("D19-strong-tokens", "not-applicable"): lambda _: None,
    ("D19-strong-tokens", "ok"): setting(AGENT_TOKEN=LONG, HUMAN_TOKEN=OTHER),
    ("D19-strong-tokens", "problem"): setting(AGENT_TOKEN=LONG, HUMAN_TOKEN=LONG),
    ("D20-certificates-are-verified", "ok"): setting(NODE_TLS_REJECT_UNAUTHORIZED="1"),
    ("D20-certificates-are-verified", "problem"): setting(NODE_TLS_REJECT_UNAUTHORIZED="0"),
}


@pytest.mark.needs("git")
@pytest.mark.parametrize(("case", "arrange"), CASES.items(), ids=names_of(CASES))
def test_a_check_says_what_is_so(case: tuple[str, str], arrange: Arrange, ward: Ward) -> None:
    arrange(ward)

    found = ward.look(case[0])

    assert found.state == case[1], found


@pytest.mark.promise("G14")
@pytest.mark.parametrize("value", ["true", "TRUE", " 1 ", "yes"])
def test_secret_logs_are_seen_as_the_driver_reads_them(value: str, ward: Ward) -> None:
    ward.environ["BABYSITTER_ALLOW_SECRET_LOGS"] = value

    assert ward.look("D14-secret-logs").state == "problem"


@pytest.mark.promise("G14")
@pytest.mark.parametrize(
    "line", ['BABYSITTER_ALLOW_SECRET_LOGS="true"', "export BABYSITTER_ALLOW_SECRET_LOGS=1"]
)
def test_secret_logs_are_seen_in_a_file_that_others_load(line: str, ward: Ward) -> None:
    ward.write(".env.local", f"A=b\n{line}\n", mode=0o600)

    found = ward.look("D14-secret-logs")

    assert (found.state, found.places) == ("problem", (".env.local",))


def test_no_check_repeats_a_value(ward: Ward) -> None:
    ward.environ.update(
        API_KEY="hunter2hunter2", AGENT_TOKEN="hunter2", HUMAN_TOKEN="hunter2", DB_PASSWORD="pw1234"
    )

    told = [ward.look(check_id) for check_id, _ in CASES]

    assert not any("hunter2" in str(found) or "pw1234" in str(found) for found in told)


@pytest.mark.parametrize(
    ("tokens", "severity"),
    [
        ({"AGENT_TOKEN": LONG, "HUMAN_TOKEN": LONG}, "critical"),
        ({"HUMAN_TOKEN": LONG[:31]}, None),
        ({"HUMAN_TOKEN": "a" * 64}, None),
        ({"HUMAN_TOKEN": "abababababababababababababababab"}, None),
    ],
)
def test_a_token_that_can_be_guessed_is_a_problem(
    tokens: dict[str, str], severity: str | None, ward: Ward
) -> None:
    ward.environ.update(tokens)

    found = ward.look("D19-strong-tokens")

    assert (found.state, found.severity) == ("problem", severity)


def test_secrets_that_nobody_recognises_must_be_named(ward: Ward) -> None:
    nothing_recognised(ward)
    before = ward.look("D10-secrets-can-be-masked")
    ward.settings('[secrets]\nrecognise = false\nnames = ["API_KEY"]\n')

    assert (before.state, ward.look("D10-secrets-can-be-masked").state) == ("problem", "ok")


@pytest.mark.needs("git")
def test_a_git_that_verifies_nothing_is_a_problem(ward: Ward) -> None:
    unverified_git(ward)

    assert ward.look("D20-certificates-are-verified").state == "problem"
