"""Tells the user what went wrong, calmly; unexpected errors also leave a crash file.

A crash file holds the kind of error and the program's own call stack, never messages, file names of
films, or values, which could carry patient data.
"""

from __future__ import annotations

import platform
import sys
import threading
import traceback
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton, QWidget

from core import __version__
from core.errors import OrthoMatchError
from core.resources import resource_root, user_cache_dir

_INFO_MS = 6000


class MessageBar(QFrame):
    """One line above the film. Does not interrupt; an error stays until closed or replaced."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._label = QLabel()
        self._label.setWordWrap(True)
        self._label.setTextFormat(Qt.TextFormat.PlainText)
        self._label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        close = QToolButton()
        close.setText("\u2715")
        close.setToolTip("Close this message")
        close.setAccessibleName("Close message")
        close.clicked.connect(self.hide)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 6, 6, 6)
        row.addWidget(self._label, 1)
        row.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.hide)
        self.hide()

    @property
    def text(self) -> str:
        """The message on show, "" when there is none."""
        return "" if self.isHidden() else self._label.text()

    def show_message(self, text: str, kind: str = "info") -> None:
        """Show ``text``; ``kind`` is ``info`` (goes by itself), ``warning`` or ``error``."""
        self.setProperty("kind", kind)
        self.style().unpolish(self)
        self.style().polish(self)
        self._label.setText(text)
        self.show()
        self._timer.stop()
        if kind == "info":
            self._timer.start(_INFO_MS)


def message_for(error: OrthoMatchError) -> str:
    """What, which file, and what to do, on up to two lines."""
    place = f" ({error.path.name})" if error.path is not None else ""
    remedy = f"\n{error.remedy}" if error.remedy else ""
    return f"{error.what}{place}.{remedy}"


def crash_text(error: BaseException) -> str:
    """The content of a crash file: versions, error kinds and program frames."""
    lines = [
        f"OrthoMatch {__version__}",
        f"Python {platform.python_version()} on {platform.system()} {platform.release()}",
        datetime.now().astimezone().isoformat(timespec="seconds"),
        "",
    ]
    seen: BaseException | None = error
    while seen is not None:
        lines.append(type(seen).__qualname__)
        for frame in traceback.extract_tb(seen.__traceback__):
            lines.append(f"  {_short(frame.filename)}:{frame.lineno} {frame.name}")
        seen = seen.__cause__ or seen.__context__
    return "\n".join(lines) + "\n"


def _short(filename: str) -> str:
    path = Path(filename)
    root = resource_root()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


def write_crash_file(error: BaseException, folder: Path | None = None) -> Path | None:
    """Write a crash file and return its path; None when even that fails."""
    folder = folder or user_cache_dir() / "crashes"
    path = folder / f"crash-{datetime.now():%Y%m%d-%H%M%S}.txt"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(crash_text(error), encoding="utf-8")
    except OSError:
        return None
    return path


class Notifier(QObject):
    """Sends every error to the message bar, from any thread."""

    _arrived = Signal(object)

    def __init__(self, bar: MessageBar, crash_folder: Path | None = None) -> None:
        super().__init__(bar)
        self._bar = bar
        self._crash_folder = crash_folder
        self._arrived.connect(self.show_error)

    def info(self, text: str) -> None:
        """A passing note."""
        self._bar.show_message(text)

    def warn(self, text: str) -> None:
        """A note that stays."""
        self._bar.show_message(text, "warning")

    def show_error(self, error: BaseException) -> None:
        """Show an expected error as it is; record an unexpected one."""
        if isinstance(error, OrthoMatchError):
            self._bar.show_message(message_for(error), "error")
            return
        path = write_crash_file(error, self._crash_folder)
        where = f" Details without patient data: {path}" if path is not None else ""
        self._bar.show_message(
            f"Something unexpected went wrong ({type(error).__name__}). What was open is unchanged; "
            f"save the case before going on.{where}",
            "error",
        )

    def install_hooks(self) -> Callable[[], None]:
        """Catch what nothing else caught. Returns a function that puts the old hooks back."""
        old_main, old_thread = sys.excepthook, threading.excepthook

        def on_main(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
            if issubclass(kind, KeyboardInterrupt):
                old_main(kind, error, trace)
                return
            self._arrived.emit(error)

        def on_thread(args: threading.ExceptHookArgs) -> None:
            if args.exc_value is not None:
                self._arrived.emit(args.exc_value)

        def restore() -> None:
            sys.excepthook, threading.excepthook = old_main, old_thread

        sys.excepthook, threading.excepthook = on_main, on_thread
        return restore
