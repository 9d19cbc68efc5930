"""Hundreds of small cases in one test: pytest takes longer for a test of its own than most of them do."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

import pytest

Test = Callable[..., None]


def in_turn(names: str | tuple[str, ...], rows: Iterable[Any]) -> Callable[[Test], Test]:
    """Like ``pytest.mark.parametrize``, in one test, which tries every row and fails with all that fail, each named.

    A fixture that a test keeps files in, such as ``tmp_path``, is the same for all rows.
    """
    words, given = (names,) if isinstance(names, str) else names, list(rows)
    assert given, "a test without a case"

    def decorate(test: Test) -> Test:
        asked = inspect.signature(test)

        @wraps(test)
        def every(**fixtures: Any) -> None:
            failed: list[BaseException] = []
            for row in given:
                case = dict(zip(words, (row,) if isinstance(names, str) else row, strict=True))
                try:
                    test(**fixtures, **case)
                except (Exception, BaseExceptionGroup, pytest.fail.Exception) as problem:  # noqa: BLE001 - raised below
                    problem.add_note(f"where {', '.join(f'{name} is {value!r:.300}' for name, value in case.items())}")
                    failed.append(problem)
            if failed:
                raise BaseExceptionGroup(f"{len(failed)} of {len(given)} cases fail", failed)

        fixtures = [parameter for name, parameter in asked.parameters.items() if name not in words]
        vars(every)["__signature__"] = asked.replace(parameters=fixtures)
        return every

    return decorate
