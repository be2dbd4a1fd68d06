"""What a person is warned of before a run starts."""

from tests.integration.cli.conftest import Shell


def test_a_variable_that_looks_secret_and_is_too_short_to_mask_is_named_and_not_shown(shell: Shell) -> None:
    ended = shell(
        "start", "p.py#quick", "--input", "n=4", env={"PIN_TOKEN": "x7Qz9", "LONG_TOKEN": "x7Qz9x7Qz9"}
    )

    assert ended.returncode == 0
    assert "Warning: PIN_TOKEN looks secret, but is too short to mask" in ended.stderr
    assert "LONG_TOKEN" not in ended.stderr
    assert "x7Qz9" not in ended.stderr


def test_where_recognising_is_switched_off_nobody_is_warned(shell: Shell) -> None:
    (shell.root / "babysitter.toml").write_text("[secrets]\nrecognise = false\n", encoding="utf-8")

    ended = shell("start", "p.py#quick", "--input", "n=4", env={"PIN_TOKEN": "x7Qz9"})

    assert "PIN_TOKEN" not in ended.stderr
