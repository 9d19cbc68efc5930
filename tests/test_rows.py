"""What many tests hang on: that a row of cases in one test is tried to its end, and names those that fail."""

from __future__ import annotations

import inspect

import pytest

from tests.support.rows import in_turn


def test_every_row_is_tried_and_those_that_fail_are_named() -> None:
    tried = []

    @in_turn("word", ["a", "b"])
    @in_turn(("number", "limit"), [(1, 5), (9, 5), (7, 5)])
    def check(word: str, number: int, limit: int, fixture: str) -> None:
        tried.append((word, number, fixture))
        if number == 9:
            with pytest.raises(ValueError, match="never raised"):
                pass
        assert number < limit

    assert [*inspect.signature(check).parameters] == ["fixture"]
    with pytest.raises(BaseExceptionGroup, match="2 of 2 cases fail") as caught:
        check(fixture="x")
    assert tried == [(word, number, "x") for word in "ab" for number in (1, 9, 7)]
    (first, second) = caught.value.exceptions
    assert (first.__notes__, second.__notes__) == (["where word is 'a'"], ["where word is 'b'"])
    assert isinstance(first, BaseExceptionGroup)
    assert [one.__notes__ for one in first.exceptions] == [
        ["where number is 9, limit is 5"],
        ["where number is 7, limit is 5"],
    ]


def test_a_test_without_a_row_is_a_mistake() -> None:
    with pytest.raises(AssertionError, match="without a case"):
        in_turn("x", [])
