"""The rules of the pack: what a rule describes is never kept from it by its gate, in any writing."""

import json
import random
import re
from itertools import product

import pytest
import re2

from babysitter.secrets.detection.detector import Detector, gate_expressions
from babysitter.secrets.detection.gate import SetGate, options
from babysitter.secrets.detection.rules import own_rules
from tests.unit.secrets.detection.tokens import word

RULES = own_rules()
GATE = SetGate(gate_expressions(RULES))
DETECTOR = Detector(RULES, gate=GATE)
DICE = random.Random(12)
NAMES = ["api_key", "DB_PASSWORD", "clientSecret", "auth-token", "smtp_pass", "serviceKey", "pass"]
OPERATORS = [
    "=", " = ", ": ", ":", " := ", " => ", " ?= ", " ??= ", " .= ", " += ", " ::= ", " :::= ", " == ",
    " === ", " != ", " !== ", " || ", " > ", " is ", ", ", ": string = ", " =\n  ",
]  # fmt: skip
QUOTES = ['"{}"', "'{}'", "`{}`", "{}", '("{}")', 'env("{}")']
PRIVATE = "PRIVATE " + "KEY"
EXAMPLES = {
    "private-key": "-----BEGIN RSA " + PRIVATE + "-----\n{64}\n{64}\n-----END RSA " + PRIVATE + "-----",
    "private-key ": "---- BEGIN SSH2 ENCRYPTED "
    + PRIVATE
    + " ----\n{64}\n---- END SSH2 ENCRYPTED "
    + PRIVATE
    + " ----",
    "private-key  ": '"-----BEGIN ' + PRIVATE + '-----" +\n  "{64}" +\n  "{64}"',
    "putty-private-key": "PuTTY-User-Key-File-3: ssh-rsa\nPublic-Lines: 1\n{64}\nPrivate-Lines: 1\n{64}\n",
    "jwk-private-key": '{"kty": "EC", "crv": "P-256", "d": "{43}"}',
    "jwk-private-key-first": "{'d': '{43}', 'kty': 'OKP'}",
    "xml-private-key": "<RSAKeyValue><Modulus>AQ</Modulus><D>{172}</D></RSAKeyValue>",
    "url-credentials": "amqps://{8}:{12}@host.test:5671/v",
    "url-credentials ": "postgres://app:{6}@{6}@db.test/x",
    "basic-auth-header": "Authorization: Basic {24}==",
    "bearer-header": "authorization: SSWS {40}",
    "bearer-header ": 'headers = {"Authorization": "Klaviyo-API-Key {37}"}',
    "curl-user": "curl -k https://h.test \\\n  -u elastic:{10}",
    "netrc-password": "machine h.test\n  login me\n  password {10}\n",
    "flag-credential": "tool --db-password {12} --verbose",
    "flag-credential ": '["tool", "--api-key", "{24}"]',
    "sql-credential": "CREATE USER me IDENTIFIED BY '{12}';",
    "query-credential": "GET /v1?key={32}&page=2",
    "prefixed-credential": "acme_live_{24}",
    "pass-credential": "pass: {12}",
    "spoken-credential": "the token - {24}",
    "issuer-credential": "mailgun {32}",
    "xml-credential": "<apiToken>{24}</apiToken>",
    "xml-credential ": "<secret>{mailer AQAAABAAA {32}}</secret>",
    "named-value-pair": 'variable "db_password" {\n  default = "{16}"\n}',
}


@pytest.mark.parametrize("name", NAMES)
def test_a_value_beside_a_word_passes_the_gate_in_every_notation(name: str) -> None:
    """Else what the rule describes would never be looked at; so were values behind ``?=`` once."""
    rule = next(rule for rule in RULES.rules if rule.id == "named-credential")
    expression = re2.compile(rule.regex.encode(), options())
    for operator, quotes in product(OPERATORS, QUOTES):
        text = name + operator + quotes.format(word(DICE, 28))
        for written in (text, json.dumps(text), json.dumps({"a": json.dumps([text])})):
            if expression.search(text.encode()):
                assert number_of("named-credential") in GATE.ids(written.encode()), written


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_kind_is_found_as_it_stands_and_in_json(name: str) -> None:
    text = filled(EXAMPLES[name])
    for written in (text, json.dumps({"log": json.dumps({"text": text})})):
        assert number_of(name.strip()) in GATE.ids(written.encode()), written
        assert DETECTOR.find(written.encode()), written


def test_no_two_rules_have_one_name() -> None:
    assert len({rule.id for rule in RULES.rules}) == len(RULES.rules)


def number_of(name: str) -> int:
    return next(number for number, rule in enumerate(RULES.rules) if rule.id == name)


def filled(layout: str) -> str:
    """Return the layout with so many random characters in place of each number in braces."""
    return re.sub(r"\{([0-9]+)\}", lambda field: word(DICE, int(field[1])), layout)
