"""The armour and the bytes that are signed are OpenSSH's, and what is not exactly that is refused."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from babysitter.model.errors import SignatureError
from babysitter.signing.sshsig import ARMOUR_BYTES_MAX, armor, assemble, parse, to_be_signed
from babysitter.signing.wire import put_string, put_u32
from tests.unit.signing.software_keys import MESSAGE, rewrapped

RESERVED = b"SSHSIG" + put_u32(1) + b"".join(put_string(part) for part in ("k", "file", "x", "sha512", "s"))
LONG = assemble(b"k" * 90, "file", "sha512", b"s")
NAMESPACES = st.text(min_size=1, max_size=20).filter(lambda text: "\0" not in text and text.isprintable())


@given(st.binary(max_size=300), NAMESPACES, st.sampled_from(["sha256", "sha512"]), st.binary(max_size=300))
def test_what_is_assembled_is_parsed_back(key: bytes, namespace: str, hash_name: str, signed: bytes) -> None:
    parsed = parse(assemble(key, namespace, hash_name, signed))

    assert (parsed.public_key_blob, parsed.namespace) == (key, namespace)
    assert (parsed.hash_name, parsed.signature_blob) == (hash_name, signed)


def test_the_signed_bytes_are_those_of_the_protocol() -> None:
    signed = to_be_signed(b"", "file", "sha256")

    digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert (
        signed.hex()
        == f"{b'SSHSIG'.hex()}00000004{b'file'.hex()}0000000000000006{b'sha256'.hex()}00000020{digest}"
    )


@pytest.mark.parametrize(("namespace", "hash_name"), [("", "sha512"), ("file", "sha1"), ("file", "")])
def test_no_namespace_or_another_hash_is_a_mistake_of_the_caller(namespace: str, hash_name: str) -> None:
    with pytest.raises(ValueError, match="no signature"):
        to_be_signed(b"", namespace, hash_name)


@pytest.mark.needs("ssh-keygen")
def test_the_armour_is_the_one_of_ssh_keygen(tmp_path: Path) -> None:
    key = str(tmp_path / "key")
    subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-N", "", "-f", key], check=True)
    sign = ["ssh-keygen", "-Y", "sign", "-f", key, "-n", "file"]
    theirs = subprocess.run(sign, input=MESSAGE, capture_output=True, check=True).stdout.decode()

    parsed = parse(theirs)

    ours = assemble(parsed.public_key_blob, parsed.namespace, parsed.hash_name, parsed.signature_blob)
    assert ours == theirs


@pytest.mark.parametrize("size", [1, 48, 52, 53, 105, 106])
def test_lines_of_another_width_are_the_same_signature(size: int) -> None:
    text = assemble(b"k" * size, "file", "sha512", b"s" * size)

    assert parse(rewrapped(text)) == parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        armor(b""),
        armor(b"SSHSIG"),
        assemble(b"k", "", "sha512", b"s"),
        assemble(b"k", "file", "sha1", b"s"),
        assemble(b"k", "fi\0le", "sha512", b"s"),
        assemble(b"k", "file", "sha512", b"s").replace("\n", " "),
        assemble(b"k", "file", "sha512", b"s").rstrip("\n"),
        assemble(b"k", "file", "sha512", b"s") * 2,
        assemble(b"k", "file", "sha512", b"s" * ARMOUR_BYTES_MAX),
        LONG.replace("\n", "\n\n"),
        b"\xc3\xa9",
        armor(RESERVED),
        assemble(b"k" * 20, "file", "sha512", b"s").replace("A=\n", "B=\n").replace("w==\n", "x==\n"),
        LONG[:120] + "\n" + LONG[120:],
    ],
    ids="empty bare short nowhere sha1 nul one-line no-end two large blank bytes more pad widths".split(),
)
def test_what_is_not_exactly_a_signature_is_refused(text: str | bytes) -> None:
    with pytest.raises(SignatureError) as refused:
        parse(text)

    assert refused.value.facts["reason"] == "malformed"
