"""Calls that no signal interrupts."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from functools import partial

import pytest

from poolcli.system.threads import apart, run


def test_a_signal_is_raised_beside_a_call_and_never_in_it() -> None:
    ended: list[threading.Thread] = []

    def call() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.2)
        ended.append(threading.current_thread())

    with pytest.raises(KeyboardInterrupt):
        apart(call)
    assert len(ended) == 1, "it is over before anything is cleared away"


def test_what_a_call_returns_or_raises_comes_back() -> None:
    assert apart(lambda: 5) == 5
    with pytest.raises(ZeroDivisionError):
        apart(lambda: 1 // 0)


def test_in_another_thread_it_is_a_call_like_any() -> None:
    seen: list[threading.Thread] = []
    thread = threading.Thread(target=lambda: seen.append(apart(threading.current_thread)))
    thread.start()
    thread.join()
    assert seen == [thread]


def test_nobody_waits_for_a_thread_that_wakes_when_all_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    asleep: list[Callable[[], None]] = []
    monkeypatch.setattr(
        "poolcli.system.threads.start_new_thread", lambda call, words: asleep.append(partial(call, *words))
    )
    done: list[tuple[int, str]] = []
    made = iter("ab")
    run([1, 2, 3], lambda task, mine: done.append((task, mine)), lambda: next(made), 3)
    assert done == [(1, "a"), (2, "a"), (3, "a")]
    for wake in asleep:
        wake()
    assert (len(asleep), len(done), next(made)) == (2, 3, "b"), "they find nothing, and make nothing of their own"


def test_threads_that_work_are_waited_for() -> None:
    first, done = threading.Event(), []

    def work(task: int, _: None) -> None:
        if threading.current_thread() is threading.main_thread():
            first.wait(20)
        else:
            first.set()
            time.sleep(0.1)
        done.append(task)

    run([1, 2], work, lambda: None, 2)
    assert sorted(done) == [1, 2]


def test_without_memory_for_a_thread_the_work_is_done_in_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("poolcli.system.threads.start_new_thread", refused)
    done: list[int] = []
    run([1, 2, 3], lambda task, _: done.append(task), lambda: None, 4)
    assert done == [1, 2, 3]
    assert apart(threading.current_thread) is threading.current_thread()
