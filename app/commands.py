"""Undoable steps. A command holds the case before and after; cases are immutable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QUndoCommand

from core.case import Case

if TYPE_CHECKING:
    from app.session import Session

_NUDGE_ID = 1


class CaseCommand(QUndoCommand):
    """Replaces the session's case."""

    def __init__(self, session: Session, before: Case, after: Case, text: str) -> None:
        super().__init__(text)
        self._session = session
        self.before = before
        self.after = after

    def redo(self) -> None:
        self._session.put_case(self.after)

    def undo(self) -> None:
        self._session.put_case(self.before)


class NudgeCommand(CaseCommand):
    """A keyboard step of one point; consecutive steps of the same point become one."""

    def __init__(self, session: Session, before: Case, after: Case, text: str, point: str) -> None:
        super().__init__(session, before, after, text)
        self.point = point

    def id(self) -> int:
        return _NUDGE_ID

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, NudgeCommand) or other.point != self.point:
            return False
        self.after = other.after
        return True
