"""Runs core callables off the main thread; delivers progress, result or error on it.

Every task belongs to a channel. Starting a task supersedes the one before it in the same channel:
the old one is asked to stop and whatever it still delivers is dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from threading import Event
from typing import Any

from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal

from core.errors import Cancelled
from core.matching.protocol import CancelCheck, Progress

Work = Callable[[Progress, CancelCheck], Any]


def _ignore(*_: Any) -> None:
    """Default callback."""


@dataclass(eq=False)
class Task:
    """One piece of work and who wants to hear of it. The callbacks run on the main thread."""

    id: int
    channel: str
    text: str
    work: Work
    done: Callable[[Any], None] = _ignore
    failed: Callable[[BaseException], None] = _ignore
    progress: Callable[[float, str], None] = _ignore
    stop: Event = field(default_factory=Event)

    def execute(self, report: Progress) -> tuple[Any, BaseException | None]:
        """Run the work: (result, None) or (None, error). Called on the worker thread."""
        try:
            if self.stop.is_set():
                raise Cancelled
            return self.work(report, self.stop.is_set), None
        except Exception as error:  # handed to the main thread, which decides what to tell the user
            return None, error


class _Job(QRunnable):
    def __init__(self, task: Task, runner: TaskRunner) -> None:
        super().__init__()
        self._task = task
        self._runner = runner

    def run(self) -> None:
        task, runner = self._task, self._runner
        result, error = task.execute(lambda part, text: runner._progressed.emit(task, part, text))
        runner._finished.emit(task, result, error)


class TaskRunner(QObject):
    """Starts tasks on a thread pool.

    ``running_changed`` tells that a task began or ended; ``running`` lists those under way.
    """

    running_changed = Signal()
    _progressed = Signal(object, float, str)
    _finished = Signal(object, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ids = count(1)
        self._current: dict[str, Task] = {}
        self._pool = QThreadPool(self)
        # Reading, matching, opening the engine and measuring may overlap; matching is one thread here.
        self._pool.setMaxThreadCount(4)
        self._progressed.connect(self._on_progress)
        self._finished.connect(self._on_finished)

    @property
    def running(self) -> tuple[Task, ...]:
        """Tasks under way, oldest first."""
        return tuple(sorted(self._current.values(), key=lambda task: task.id))

    def is_running(self, channel: str) -> bool:
        """Whether a task of this channel is under way."""
        return channel in self._current

    def start(
        self,
        channel: str,
        text: str,
        work: Work,
        *,
        done: Callable[[Any], None] = _ignore,
        failed: Callable[[BaseException], None] = _ignore,
        progress: Callable[[float, str], None] = _ignore,
    ) -> Task:
        """Run ``work(progress, cancelled)``; exactly one of ``done`` and ``failed`` follows.

        Neither follows when the task is superseded or cancelled.
        """
        self.cancel(channel)
        task = Task(next(self._ids), channel, text, work, done, failed, progress)
        self._current[channel] = task
        self.running_changed.emit()
        self._submit(task)
        return task

    def cancel(self, channel: str) -> bool:
        """Ask the channel's task to stop and forget it. False when none was running."""
        task = self._current.pop(channel, None)
        if task is None:
            return False
        task.stop.set()
        self.running_changed.emit()
        return True

    def shut_down(self, wait_ms: int = 3000) -> None:
        """Cancel everything and give the threads a moment to end."""
        for channel in list(self._current):
            self.cancel(channel)
        self._pool.waitForDone(wait_ms)

    def _submit(self, task: Task) -> None:
        self._pool.start(_Job(task, self))

    def _on_progress(self, task: Task, part: float, text: str) -> None:
        if self._current.get(task.channel) is task:
            task.progress(part, text)

    def _on_finished(self, task: Task, result: Any, error: BaseException | None) -> None:
        if self._current.get(task.channel) is not task:
            return
        del self._current[task.channel]
        try:
            if error is None:
                task.done(result)
            elif not isinstance(error, Cancelled):
                task.failed(error)
        finally:
            self.running_changed.emit()


class SynchronousRunner(TaskRunner):
    """Runs each task at once on the calling thread. For tests and scripted runs."""

    def _submit(self, task: Task) -> None:
        result, error = task.execute(lambda part, text: self._on_progress(task, part, text))
        self._on_finished(task, result, error)
