"""What tells a test's category, and in which order."""

import pytest

from babysitter.scanners.security_tests.categories import categories_of

pytestmark = pytest.mark.promise("G16")


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("test_login_with_a_wrong_password_is_refused", "authentication"),
        ("testLogInWithoutToken", "authentication"),
        ("wants a session", "authentication"),
        ("test_only_the_owner_may_cancel", "authorization"),
        ("answers 403", "authorization"),
        ("test_unauthorised_users", "authorization"),
        ("test_sql_injection", "input-validation"),
        ("rejects invalid mail", "input-validation"),
        ("testXSSIsEscaped", "input-validation"),
        ("test_a_failure_says_nothing", "error-handling"),
        ("recovers from a timeout", "error-handling"),
    ],
)
def test_a_name_tells_the_category(name: str, category: str) -> None:
    assert categories_of((), (name,), "tests/test_it.py") == ((category,), "name")


@pytest.mark.parametrize(
    "name", ["test_author_is_shown", "test_adds", "test_accessible_colours", "test_terrors"]
)
def test_a_word_that_merely_begins_like_one_tells_nothing(name: str) -> None:
    assert categories_of((), (name,), "tests/test_it.py") is None


def test_a_path_tells_it_where_the_name_does_not() -> None:
    assert categories_of((), ("test_it",), "tests/authn/test_it.py") == (("authentication",), "path")
    assert categories_of((), ("test_role",), "tests/authn/test_it.py") == (("authorization",), "name")


@pytest.mark.parametrize(
    "marker",
    [("security", ("authn",)), ("security", ("authentication",)), ("authentication", ()), ("authn", ())],
)
def test_a_marker_wins_over_name_and_path(marker: tuple[str, tuple[str, ...]]) -> None:
    found = categories_of((marker,), ("test_the_admin_role",), "tests/errors/test_it.py")

    assert found == (("authentication",), "marker")


def test_a_marker_may_name_several() -> None:
    found = categories_of((("security", ("error-handling", "authz")),), ("test_x",), "t.py")

    assert found == (("authorization", "error-handling"), "marker")


def test_a_name_of_javascript_may_hold_a_marker() -> None:
    assert categories_of((), ("shop", "cancels @security:authz"), "a.test.js") == (
        ("authorization",),
        "marker",
    )


def test_a_marker_that_names_no_category_is_an_error_and_no_test_of_another() -> None:
    with pytest.raises(ValueError, match="'authx' is no category"):
        categories_of((("security", ("authx",)),), ("test_login",), "t.py")


def test_markers_of_other_meaning_tell_nothing() -> None:
    assert categories_of((("parametrize", ("role",)), ("errors", ())), ("test_x",), "t.py") is None
