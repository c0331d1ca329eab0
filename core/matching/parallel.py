"""Independent looks at a film side by side, which uses several cores better than one look on all of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import TypeVar, cast

from threadpoolctl import ThreadpoolController

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST = 8
"""Threads beyond which a film has too few looks to keep them busy."""


class Workers:
    """Threads, one a core. What they do must not hand work to them in turn."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(min(os.cpu_count() or 1, MOST), thread_name_prefix="match")
        self._libraries = ThreadpoolController()

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """``work`` of every item, in the order of the items. Raises what the first that fails raises."""
        return list(self._pool.map(work, items))

    def alone(self) -> AbstractContextManager[None]:
        """While it lasts, linear algebra keeps to the thread that asks for it.

        Its own threads would wait in a loop for more work and take the cores from these.
        """
        return cast("AbstractContextManager[None]", self._libraries.limit(limits=1, user_api="blas"))
