"""Asking one thing while another is done."""

from __future__ import annotations

import threading
import time

import pytest

from ops.beside import beside


def test_the_result_is_waited_for_and_may_be_asked_for_twice() -> None:
    go = threading.Event()

    def work() -> str:
        assert go.wait(10)
        return "said"

    with beside(work) as told:
        go.set()
        assert (told(), told()) == ("said", "said")


def test_what_it_raised_is_raised_where_it_is_asked_for() -> None:
    def work() -> None:
        raise ValueError("no")

    with beside(work) as told:
        for _ in range(2):
            with pytest.raises(ValueError, match="no"):
                told()


def test_it_has_ended_with_the_block_asked_for_or_not() -> None:
    done: list[bool] = []

    def work() -> None:
        time.sleep(0.1)
        done.append(True)

    with beside(work):
        assert not done
    assert done


def test_nobody_waits_for_it_after_a_failure() -> None:
    go = threading.Event()
    with pytest.raises(KeyboardInterrupt), beside(lambda: go.wait(10)):
        raise KeyboardInterrupt
    assert not go.is_set()
    go.set()
