"""Whatever the rules and the answers: too few never proceed, and less authority never turns no into yes."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from babysitter.model.errors import SettingsError
from babysitter.model.rules import BreakGlass, Policy, Rule
from babysitter.policy.authorizer import Decider
from babysitter.policy.gate import Facts, Gate, Vote
from babysitter.policy.people import Identities
from babysitter.policy.rules import make_policy
from tests.unit.policy.people import ALICE, BOB, CAROL, DAVE, EVE, GATE, NOW_NS, PEOPLE, ZED, delegate

pytestmark = pytest.mark.promise("G25")
NAMES = (ALICE, BOB, CAROL, DAVE, EVE, ZED, "alice", "al")
WHO = Identities(make_policy(people=PEOPLE))
FEW = settings(max_examples=80, deadline=None)
Roles = dict[str, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Story:
    """A rule, its roles, what was answered and what is known."""

    rule: Rule
    roles: Roles
    votes: tuple[Vote, ...]
    facts: Facts

    def policy(self, roles: Roles | None = None) -> Policy:
        return make_policy(rules=(self.rule,), roles=roles or self.roles, people=PEOPLE)

    def proceeds(
        self, *, roles: Roles | None = None, more: tuple[Vote, ...] = (), facts: Facts | None = None
    ) -> bool:
        """Tell whether it goes on, with something changed."""
        decides = Decider(self.policy(roles))
        return decides.may_proceed(self.rule, GATE, (*self.votes, *more), facts or self.facts).allowed


def often(draw: st.DrawFn, usual: Any, *others: Any) -> Any:
    """Draw the usual value three times of four: stories in which nothing is ever allowed show nothing."""
    return draw(st.sampled_from([usual] * (3 * len(others)) + list(others)))


@st.composite
def votes(draw: st.DrawFn, rule: Rule, roles: Roles) -> Vote:
    """Draw an answer, most often of somebody who may give it."""
    own = [*rule.people, *(name for role in rule.roles for name in roles[role])]
    seats = [(name, None) for name in own] + [(each.to, each.from_) for each in rule.delegates] * 2
    person, behalf = draw(
        st.sampled_from([*seats, (draw(st.sampled_from(NAMES)), often(draw, None, *NAMES))])
    )
    broken = often(draw, False, True) and rule.break_glass is not None
    return Vote(
        person=EVE if broken else person,
        on_behalf_of=None if broken else behalf,
        break_glass=broken,
        decision=often(draw, "approve", "approve", "defer", "reject", "shrug"),
        method=often(draw, "passkey", "ssh", "local"),
        user_verified=often(draw, True, False),
        comment=often(draw, "fine", ""),
        at_ns=NOW_NS,
    )


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Draw a rule that the settings would take, and answers under it."""
    members = st.lists(st.sampled_from(NAMES), unique=True, min_size=1, max_size=5).map(tuple)
    roles = {"managers": draw(members), "owners": draw(members)}
    of_rule = draw(st.sampled_from([("managers",), ("owners",), ("managers", "owners")]))
    named = tuple(dict.fromkeys(name for role in of_rule for name in roles[role]))
    places = {WHO.person(name) for name in named}
    pairs = [(from_, to) for from_ in named for to in NAMES if WHO.person(to) not in places]
    emergency = BreakGlass(people=(EVE,), reviewers=(BOB, CAROL))
    rule = Rule(
        id="production",
        roles=of_rule,
        quorum=min(draw(st.integers(1, 3)), len(places)),
        author_may_approve=draw(st.booleans()),
        comment=draw(st.booleans()),
        signature=draw(st.sampled_from([True, False, "verified"])),
        delegates=tuple(delegate(*draw(st.sampled_from(pairs))) for _ in range(3 if pairs else 0)),
        break_glass=often(draw, None, emergency),
    )
    return Story(
        rule=rule,
        roles=roles,
        votes=tuple(draw(votes(rule, roles)) for _ in range(draw(st.integers(0, 5)))),
        facts=Facts(now_ns=NOW_NS, authors=frozenset({often(draw, ZED, *NAMES)})),
    )


@FEW
@given(story=stories())
def test_fewer_people_than_the_quorum_never_proceed(story: Story) -> None:
    """Counted here in the plainest way: distinct people, distinct places, everything that a rule says."""
    rule, policy = story.rule, story.policy()
    last = {WHO.person(vote.person): vote for vote in story.votes}
    approving = [vote for vote in last.values() if vote.decision == "approve"]
    if rule.signature is not False:
        approving = [vote for vote in approving if vote.signed]
    if rule.comment:
        approving = [vote for vote in approving if vote.comment]
    places = {WHO.person(vote.on_behalf_of or vote.person) for vote in approving if not vote.break_glass}
    may = places & {WHO.person(name) for name in policy.members(rule.roles, rule.people)}
    if not rule.author_may_approve:
        may -= {WHO.person(name) for name in story.facts.authors}

    if story.proceeds() and not any(vote.break_glass for vote in approving):
        assert len(may) >= rule.quorum


@FEW
@given(story=stories(), data=st.data())
def test_an_answer_that_is_no_approval_never_turns_no_into_yes(story: Story, data: st.DataObject) -> None:
    more = data.draw(votes(story.rule, story.roles))
    more = replace(more, decision=data.draw(st.sampled_from(["reject", "defer"])))
    # Who takes back their own rejection may of course end it, and that alone.
    taken_back = more.decision == "defer" and any(vote.decision == "reject" for vote in story.votes)

    if not taken_back and not story.proceeds():
        assert not story.proceeds(more=(more,))


@FEW
@given(story=stories(), role=st.sampled_from(["managers", "owners"]), who=st.integers(0, 4))
def test_a_role_that_is_revoked_never_turns_no_into_yes(story: Story, role: str, who: int) -> None:
    members = story.roles[role]
    less = {**story.roles, role: tuple(name for name in members if name != members[who % len(members)])}
    try:
        story.policy(less)
    except SettingsError:
        return  # such settings are refused, and nothing is decided by them

    if not story.proceeds():
        assert not story.proceeds(roles=less)


@FEW
@given(story=stories(), author=st.sampled_from(NAMES))
def test_an_author_more_never_turns_no_into_yes(story: Story, author: str) -> None:
    more = replace(story.facts, authors=story.facts.authors | {author})

    if not story.proceeds():
        assert not story.proceeds(facts=more)


@FEW
@given(story=stories())
def test_whoever_counts_was_asked(story: Story) -> None:
    """What the journal says about who may answer is at least what is counted: a script can check it."""
    decides = Decider(story.policy())
    authors = story.facts.authors
    counted = decides.counted(story.rule, GATE, story.votes, story.facts)

    assert {vote.person for vote in counted} <= set(decides.eligible(story.rule, authors, NOW_NS))
    assert len(counted) <= len({WHO.person(name) for name in decides.seated(story.rule, authors)})


@FEW
@given(
    context=st.dictionaries(
        st.sampled_from(["signed", "isAuthor", "approvals", "quorum", "now", "x"]),
        st.none() | st.booleans() | st.integers() | st.text(max_size=3),
        max_size=6,
    ),
    action=st.sampled_from(["approve", "reject", "breakGlass", "proceed"]),
)
def test_no_context_that_is_not_whole_is_ever_allowed(context: dict[str, Any], action: str) -> None:
    rule = Rule(id="open", people=("*",), author_may_approve=True, signature=False)
    asked = Decider(make_policy(rules=(rule,)))._cedar

    assert not asked.ask(ALICE, action, Gate(kind="effect", process_id="p"), rule, context).allowed
