"""What a network grant comes to, and which addresses are public."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from babysitter.model.network import (
    LOOPBACK,
    WHOLE,
    NetworkGrant,
    NetworkGrantError,
    is_public,
    normal_host,
    parse_address,
    parse_grants,
)

pytestmark = pytest.mark.promise("G05")


def texts(*grants: str) -> list[str]:
    return [entry.text for entry in parse_grants(grants).hosts]


@pytest.mark.parametrize(
    ("written", "one_spelling"),
    [
        ("API.Example.COM:443", "api.example.com:443"),
        ("api.example.com.:443", "api.example.com:443"),
        ("bücher.example:443", "xn--bcher-kva.example:443"),
        ("xn--bcher-kva.example:443", "xn--bcher-kva.example:443"),
        ("*.Example.com:8443", "*.example.com:8443"),
        ("localhost:80", "localhost:80"),
        ("192.0.2.7:5432", "192.0.2.7:5432"),
        ("10.1.0.0/16:443", "10.1.0.0/16:443"),
        ("[FD00:0::1]:443", "[fd00::1]:443"),
        ("[fd00::/16]:443", "[fd00::/16]:443"),
    ],
)
def test_a_grant_has_one_spelling(written: str, one_spelling: str) -> None:
    assert texts(written) == [one_spelling]
    assert texts(one_spelling) == [one_spelling]


@pytest.mark.parametrize(
    "written",
    [
        "api.example.com",
        "api.example.com:0",
        "api.example.com:65536",
        "api.example.com:+443",
        "https://api.example.com:443",
        "user@api.example.com:443",
        "api.example.com/path:443",
        "*:443",
        "*.com:443",
        "api.*.com:443",
        "a..b:443",
        "-a.example:443",
        "127.1:80",
        "2130706433:80",
        "0x7f000001:80",
        "127.0.0.01:80",
        "0.0.0.0/0:443",
        "[::/0]:443",
        "10.0.0.1/8:443",
        "fd00::1:443",
        "[fe80::1%eth0]:443",
        "straße.example:443",
        "a b:443",
        ":443",
        "",
    ],
)
def test_a_grant_that_could_mean_something_else_is_refused_with_the_way_to_write_it(written: str) -> None:
    with pytest.raises(NetworkGrantError) as refused:
        parse_grants((written,))

    assert refused.value.hint


def test_the_whole_network_holds_every_other_grant() -> None:
    assert parse_grants(("api.example.com:443", WHOLE)) == NetworkGrant(shared=True)
    assert parse_grants((LOOPBACK, WHOLE)) == NetworkGrant(shared=True)
    assert parse_grants(()) == NetworkGrant()


def test_hosts_beside_loopback_are_refused_because_they_would_not_be_held_to() -> None:
    with pytest.raises(NetworkGrantError, match="would not be held to"):
        parse_grants((LOOPBACK, "api.example.com:443"))


def test_a_host_is_granted_on_its_port_and_under_its_name_alone() -> None:
    network = parse_grants(("api.example.com:443",))

    assert network.for_host("api.example.com", 443) is not None
    for host, port in (
        ("api.example.com", 80),
        ("example.com", 443),
        ("x.api.example.com", 443),
        ("api.example.com.evil.test", 443),
        ("93.184.216.34", 443),
    ):
        assert network.for_host(host, port) is None


def test_a_wildcard_grants_what_is_below_a_domain_and_not_the_domain() -> None:
    network = parse_grants(("*.example.com:443",))

    assert network.for_host("a.example.com", 443) is not None
    assert network.for_host("a.b.example.com", 443) is not None
    assert network.for_host("example.com", 443) is None
    assert network.for_host("aexample.com", 443) is None


def test_a_range_grants_its_addresses_and_no_name() -> None:
    network = parse_grants(("10.1.0.0/16:5432",))

    assert network.for_host("10.1.2.3", 5432) is not None
    assert network.for_host("10.2.0.1", 5432) is None
    assert network.for_host("::ffff:10.1.2.3", 5432) is None
    assert network.for_host("db.internal", 5432) is None


NOT_PUBLIC = """
0.0.0.0 10.0.0.1 100.64.0.1 100.100.100.200 127.0.0.1 127.8.8.8 168.63.129.16 169.254.169.254 169.254.170.2
172.16.0.1 192.0.0.192 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1
224.0.1.1 239.255.255.250 240.0.0.1 255.255.255.255
:: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:169.254.169.254 ::ffff:10.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe
64:ff9b:1::1 100::1 2001::1 2001:db8::1 2002:7f00:1::1 2002:a9fe:a9fe::1 3fff::1 5f00::1 fc00::1 fd00::1
fd00:ec2::254 fe80::1 fec0::1 ff02::1 ff0e::1
""".split()


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_an_address_of_a_machine_a_network_or_a_group_is_not_public(text: str) -> None:
    address = parse_address(text)

    assert address is not None
    assert not is_public(address)


@pytest.mark.parametrize(
    "text", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
def test_an_address_of_the_internet_is_public(text: str) -> None:
    address = parse_address(text)

    assert address is not None
    assert is_public(address)


@given(st.integers(0, 2**32 - 1))
def test_an_address_that_is_carried_in_another_is_judged_as_itself(number: int) -> None:
    plain = ipaddress.IPv4Address(number)

    for carrier in (0xFFFF << 32, 0x0064FF9B << 96):
        assert is_public(ipaddress.IPv6Address(carrier | number)) == is_public(plain)
    assert is_public(ipaddress.IPv6Address((0x2002 << 112) | (number << 80) | 1)) == is_public(plain)


@given(st.text(max_size=80))
def test_any_text_is_a_grant_in_its_one_spelling_or_refused(text: str) -> None:
    try:
        first = texts(text)
    except NetworkGrantError:
        return

    assert texts(*first) == first


@given(st.text(max_size=40))
def test_a_normal_name_is_never_an_address(text: str) -> None:
    normal = normal_host(text)

    if normal is not None:
        assert parse_address(normal) is None
        assert normal_host(normal) == normal
