"""The rules about production: who may approve, how many, signed or not (G24, G25, G28)."""

from babysitter.model.rules import ANYBODY, Rule
from babysitter.service.doctor.check import Check, Result, not_applicable, note, ok, problem, some
from babysitter.service.doctor.surroundings import Surroundings

_SHOW = "babysitter policy show"
_SETTINGS = ("babysitter.toml",)
_NO_RULE = not_applicable("no rule of babysitter.toml is about production; the built-in one asks one person")


def settings_are_right(here: Surroundings) -> Result:
    """Look whether babysitter.toml can be read."""
    if here.settings_error is not None:
        return problem(
            here.settings_error.message,
            fix=here.settings_error.hint,
            command=f"${{EDITOR:-vi}} +{here.settings_error.facts.get('line', 0)} babysitter.toml",
            places=_SETTINGS,
        )
    if not (here.root / "babysitter.toml").is_file():
        return note(
            "there is no babysitter.toml, so everything is as it comes",
            fix="Make one, with the guide's .gitignore lines.",
            command="babysitter init",
        )
    return ok("babysitter.toml says nothing that is not understood")


def production_has_a_rule(here: Surroundings) -> Result:
    """Look whether the team has said who may approve what touches production."""
    rules = production_rules(here)
    if rules:
        return ok(f"rule {some([rule.id for rule in rules])} decides about production")
    return note(
        "no rule is about production: one person is asked, unsigned, even the one who started the run",
        fix='Where you have a production, add [[approvals]] with when = { environment = "production" }.',
        command="babysitter policy show",
    )


def authors_do_not_approve(here: Surroundings) -> Result:
    """Look for rules about production that let whoever starts a run approve it."""
    rules = production_rules(here)
    if not rules:
        return _NO_RULE
    open_ = [rule.id for rule in rules if rule.author_may_approve]
    if not open_:
        return ok(f"rule {some([rule.id for rule in rules])} wants somebody else than the author")
    return problem(
        f"rule {some(open_)} lets authors approve their own production",
        fix="Take author_may_approve = true out of the rule.",
        command="grep -n author_may_approve babysitter.toml",
        places=_SETTINGS,
    )


def production_is_signed(here: Surroundings) -> Result:
    """Look for rules about production that do with an answer without a signature."""
    rules = production_rules(here)
    if not rules:
        return _NO_RULE
    unsigned = [rule.id for rule in rules if rule.signature is False]
    if not unsigned:
        return ok(f"rule {some([rule.id for rule in rules])} wants a signature")
    return problem(
        f"rule {some(unsigned)} takes an answer that nobody signed",
        fix="Take signature = false out of the rule.",
        command="grep -n signature babysitter.toml",
        places=_SETTINGS,
    )


def production_takes_two(here: Surroundings) -> Result:
    """Say where one person is enough for production."""
    rules = production_rules(here)
    if not rules:
        return _NO_RULE
    single = [rule.id for rule in rules if rule.quorum == 1 and rule.strategy != "all"]
    if not single:
        return ok(f"rule {some([rule.id for rule in rules])} takes more than one person")
    return note(
        f"rule {some(single)} takes one person (quorum 1)",
        fix="With quorum = 2 no single key, stolen or not, deploys.",
    )


def anybody_does_not_approve(here: Surroundings) -> Result:
    """Look for rules about production that whoever can answer at all may satisfy."""
    rules = production_rules(here)
    if not rules:
        return _NO_RULE
    open_ = [rule.id for rule in rules if ANYBODY in rule.people]
    if not open_:
        return ok(f"rule {some([rule.id for rule in rules])} names who may approve")
    return problem(
        f'rule {some(open_)} lets anybody approve (people = ["*"])',
        fix="Name roles or people in the rule.",
        command=_SHOW,
        places=_SETTINGS,
    )


def production_rules(here: Surroundings) -> list[Rule]:
    """Return the team's rules that name production, or what is critical."""
    return [
        rule
        for rule in here.settings.approvals
        if "production" in rule.when.environments or rule.when.critical is True
    ]


CHECKS = (
    Check(
        id="D02-rule-for-production",
        title="a rule says who may approve what touches production",
        promise="G02",
        severity="low",
        why="the built-in rule asks one person, whoever that is.",
        look=production_has_a_rule,
    ),
    Check(
        id="D24-signed-production",
        title="production wants signed answers",
        promise="G24",
        severity="medium",
        why="an unsigned answer proves nothing to anybody who does not trust this machine.",
        look=production_is_signed,
    ),
    Check(
        id="D25-authors-approve-production",
        title="authors do not approve their own production",
        promise="G25",
        severity="medium",
        why="the person who asks and the person who says yes would be one.",
        look=authors_do_not_approve,
    ),
    Check(
        id="D25-anybody-approves-production",
        title="production is approved by people whom a rule names",
        promise="G25",
        severity="high",
        why="whoever can answer at all can deploy.",
        look=anybody_does_not_approve,
    ),
    Check(
        id="D25-one-person-for-production",
        title="production takes more than one person",
        promise="G25",
        severity="low",
        why="one stolen key deploys.",
        look=production_takes_two,
    ),
    Check(
        id="D28-settings",
        title="babysitter.toml is right",
        promise="G28",
        severity="high",
        why="with wrong settings nothing starts, and nothing else can be checked.",
        look=settings_are_right,
    ),
)
