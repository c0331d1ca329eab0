"""Threads of the matcher: order, errors, and who uses the cores."""

import threading

import pytest
from threadpoolctl import threadpool_info

from core.matching.parallel import Workers


def blas_threads():
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


def test_results_come_in_the_order_of_the_items():
    first = threading.Event()

    def work(number):
        if number == 0:
            first.wait(0.2)
        else:
            first.set()
        return number * number

    assert Workers().map(work, range(5)) == [0, 1, 4, 9, 16]


def test_an_error_reaches_the_caller():
    def work(number):
        if number == 2:
            raise ValueError("two")
        return number

    with pytest.raises(ValueError, match="two"):
        Workers().map(work, range(4))


def test_linear_algebra_keeps_to_one_thread_only_while_asked_to():
    before = blas_threads()
    with Workers().alone():
        assert set(blas_threads()) == {1}
    assert blas_threads() == before
