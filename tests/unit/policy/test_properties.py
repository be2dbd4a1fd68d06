"""Whatever the rules and the answers: too few never proceed, and less authority never turns no into yes."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from babysitter.model.errors import SettingsError
from babysitter.model.rules import BreakGlass, Rule
from babysitter.policy.authorizer import Decider
from babysitter.policy.gate import Facts, Gate, Vote
from babysitter.policy.people import Identities
from babysitter.policy.rules import make_policy
from tests.unit.policy.people import ALICE, BOB, CAROL, DAVE, EVE, GATE, NOW_NS, PEOPLE, ZED, delegate

pytestmark = pytest.mark.promise("G25")
NAMES = (ALICE, BOB, CAROL, DAVE, EVE, ZED, "alice", "al")
FEW = settings(max_examples=80, deadline=None)
names = st.sampled_from(NAMES)
members = st.lists(names, unique=True, min_size=1, max_size=5).map(tuple)
WHO = Identities(make_policy(people=PEOPLE))


@st.composite
def teams(draw: st.DrawFn) -> tuple[Rule, dict[str, tuple[str, ...]]]:
    """Draw a rule that the settings would take, with its roles."""
    roles = {"managers": draw(members), "owners": draw(members)}
    of_rule = draw(st.sampled_from([("managers",), ("owners",), ("managers", "owners")]))
    people = draw(st.sampled_from([(), (), (ZED,)]))
    named = [*people, *(name for role in of_rule for name in roles[role])]
    places = {WHO.person(name) for name in named}
    others = [name for name in NAMES if WHO.person(name) not in places]
    pairs = [(from_, to) for from_ in dict.fromkeys(named) for to in others]
    rule = Rule(
        id="production",
        roles=of_rule,
        people=people,
        quorum=min(draw(st.integers(1, 3)), len(places)),
        author_may_approve=draw(st.booleans()),
        comment=draw(st.booleans()),
        signature=draw(st.sampled_from([True, False, "verified"])),
        delegates=tuple(
            delegate(*pair)
            for pair in draw(st.lists(st.sampled_from(pairs), max_size=3) if pairs else st.just([]))
        ),
        break_glass=draw(st.sampled_from([None, BreakGlass(people=(EVE,), reviewers=(BOB, CAROL))])),
    )
    return rule, roles


votes = st.builds(
    Vote,
    person=names,
    decision=st.sampled_from(["approve", "approve", "approve", "approve", "reject", "defer", "shrug"]),
    method=st.sampled_from(["ssh", "ssh", "passkey", "local", "rule"]),
    user_verified=st.booleans(),
    comment=st.sampled_from(["", "fine"]),
    on_behalf_of=st.none() | st.none() | names,
    break_glass=st.sampled_from([False, False, True]),
    at_ns=st.just(NOW_NS),
)
facts = st.builds(Facts, now_ns=st.just(NOW_NS), authors=st.frozensets(names, min_size=1, max_size=2))


def proceeds(rule: Rule, roles: dict[str, tuple[str, ...]], given_votes: list[Vote], known: Facts) -> bool:
    policy = make_policy(rules=(rule,), roles=roles, people=PEOPLE)
    return Decider(policy).may_proceed(rule, GATE, given_votes, known).allowed


@FEW
@given(team=teams(), cast=st.lists(votes, max_size=6), known=facts)
def test_fewer_people_than_the_quorum_never_proceed(
    team: tuple[Rule, dict[str, tuple[str, ...]]], cast: list[Vote], known: Facts
) -> None:
    """Counted here in the plainest way: distinct people, distinct places, everything that a rule says."""
    rule, roles = team
    policy = make_policy(rules=(rule,), roles=roles, people=PEOPLE)
    who = WHO
    approving = {who.person(vote.person): vote for vote in cast}
    approving = {name: vote for name, vote in approving.items() if vote.decision == "approve"}
    broken = any(vote.break_glass for vote in approving.values())
    places = {who.person(vote.on_behalf_of or vote.person) for vote in approving.values()}
    of_rule = {who.person(name) for name in policy.members(rule.roles, rule.people)}
    authors = {who.person(name) for name in known.authors}
    may = places & of_rule - (set() if rule.author_may_approve else authors)

    if Decider(policy).may_proceed(rule, GATE, cast, known).allowed and not broken:
        assert len(may) >= rule.quorum
        if rule.signature is not False:
            assert sum(vote.signed for vote in approving.values()) >= rule.quorum
        if rule.comment:
            assert sum(bool(vote.comment) for vote in approving.values()) >= rule.quorum


@FEW
@given(
    team=teams(),
    cast=st.lists(votes, max_size=6),
    known=facts,
    more=votes,
    decision=st.sampled_from(["reject", "defer"]),
)
def test_an_answer_that_is_no_approval_never_turns_no_into_yes(
    team: tuple[Rule, dict[str, tuple[str, ...]]], cast: list[Vote], known: Facts, more: Vote, decision: str
) -> None:
    rule, roles = team
    more = replace(more, decision=decision)
    # Who takes back their own rejection may of course end it, and that alone.
    taken_back = decision == "defer" and any(vote.decision == "reject" for vote in cast)

    if not taken_back and not proceeds(rule, roles, cast, known):
        assert not proceeds(rule, roles, [*cast, more], known)


@FEW
@given(
    team=teams(), cast=st.lists(votes, max_size=6), known=facts, role=st.sampled_from(["managers", "owners"])
)
def test_a_role_that_is_revoked_never_turns_no_into_yes(
    team: tuple[Rule, dict[str, tuple[str, ...]]], cast: list[Vote], known: Facts, role: str
) -> None:
    rule, roles = team
    less = {**roles, role: roles[role][1:]}
    try:
        make_policy(rules=(rule,), roles=less, people=PEOPLE)
    except SettingsError:
        return  # such settings are refused, and nothing is decided by them

    if not proceeds(rule, roles, cast, known):
        assert not proceeds(rule, less, cast, known)


@FEW
@given(team=teams(), cast=st.lists(votes, max_size=6), known=facts)
def test_an_author_more_never_turns_no_into_yes(
    team: tuple[Rule, dict[str, tuple[str, ...]]], cast: list[Vote], known: Facts
) -> None:
    rule, roles = team
    more = Facts(now_ns=known.now_ns, authors=known.authors | {BOB})

    if not proceeds(rule, roles, cast, known):
        assert not proceeds(rule, roles, cast, more)


@FEW
@given(team=teams(), cast=st.lists(votes, max_size=6), known=facts)
def test_whoever_counts_was_asked(
    team: tuple[Rule, dict[str, tuple[str, ...]]], cast: list[Vote], known: Facts
) -> None:
    """What the journal says about who may answer is at least what is counted: a script can check it."""
    rule, roles = team
    decides = Decider(make_policy(rules=(rule,), roles=roles, people=PEOPLE))
    eligible = decides.eligible(rule, known.authors, NOW_NS)

    counted = decides.counted(rule, GATE, cast, known)

    assert {vote.person for vote in counted} <= set(eligible)
    assert len(counted) <= len({*decides.places(rule, known.authors)})


@FEW
@given(
    context=st.dictionaries(
        st.sampled_from(["signed", "isAuthor", "approvals", "quorum", "now", "x"]),
        st.none() | st.booleans() | st.integers() | st.text(max_size=3),
        max_size=6,
    ),
    action=st.sampled_from(["approve", "reject", "breakGlass", "proceed"]),
    person=names,
)
def test_no_context_that_is_not_whole_is_ever_allowed(
    context: dict[str, Any], action: str, person: str
) -> None:
    rule = Rule(id="open", people=("*",), author_may_approve=True, signature=False)
    asked = Decider(make_policy(rules=(rule,)))._cedar

    assert not asked.ask(person, action, Gate(kind="effect", process_id="p"), rule, context).allowed
