"""What is open: the film, its case, the results, the selection, and the undo stack."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoStack

from app.commands import CaseCommand, NudgeCommand
from core.case import Case
from core.film import Calibration, Radiograph, Side, SpacingSource
from core.matching.verdict import with_spacing
from core.measure.results import MeasurementResult
from core.overlay import needs_look


class Session(QObject):
    """Holds frozen core state and tells when it changes.

    The undo stack's clean state is the truth about unsaved changes. An automatic result that nobody
    touched counts as saved: it can be made again.
    """

    film_changed = Signal()
    case_changed = Signal()
    results_changed = Signal()
    point_selected = Signal(str)  # empty when none is
    highlight_changed = Signal()
    path_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.undo_stack = QUndoStack(self)
        self.film: Radiograph | None = None
        self.case: Case | None = None
        self.case_path: Path | None = None
        self.results: tuple[MeasurementResult, ...] = ()
        self.highlighted: tuple[str, ...] = ()  # measurement keys
        self.selected_point = ""
        self.order: tuple[str, ...] = ()  # all points of the view, placed or not
        self.visited: frozenset[str] = frozenset()
        self._drag_start: Case | None = None

    # -- opening ---------------------------------------------------------------------------------

    def open_film(self, film: Radiograph, case: Case | None = None, case_path: Path | None = None) -> None:
        """Show another film, with its saved case if it has one. Drops what was open before."""
        self._drag_start = None
        self.undo_stack.clear()
        self.film, self.case, self.case_path = film, case, case_path
        self.results, self.highlighted, self.selected_point = (), (), ""
        self.visited = frozenset()
        self.film_changed.emit()
        self.point_selected.emit("")
        self.highlight_changed.emit()
        self.case_changed.emit()
        self.results_changed.emit()
        self.path_changed.emit()

    def take_analysis(self, case: Case, cautioned: Collection[str] = ()) -> None:
        """Accept an automatic result; undoable when it replaces another case.

        The ``cautioned`` points are not to be left to the program.
        """
        self._drag_start = None
        self.visited = frozenset()
        if self.case is not None and self.case.calibration.source is SpacingSource.USER:
            case = with_spacing(case, self.case.calibration, cautioned)  # the user's own spacing stays
        if self.case is None:
            self.put_case(case)
        else:
            self.undo_stack.push(CaseCommand(self, self.case, case, "Measure again"))

    # -- the case --------------------------------------------------------------------------------

    def put_case(self, case: Case) -> None:
        """Show ``case`` without an undo step. Used by commands and while dragging."""
        self.case = case
        if self.selected_point and self.selected_point not in (*case.landmarks, *self.order):
            self.select_point("")
        self.case_changed.emit()

    def drag_point(self, key: str, x_px: float, y_px: float) -> None:
        """Move a point while the button is held; ``end_drag`` makes it one undo step."""
        if self.case is None or key not in self.case.landmarks:
            return
        if self._drag_start is None:
            self._drag_start = self.case
        self.put_case(self.case.with_point(key, *self._inside(x_px, y_px)))

    def set_order(self, keys: tuple[str, ...]) -> None:
        """Take over the points of the case's view, in order."""
        self.order = keys
        if self.selected_point not in ("", *keys):
            self.select_point("")

    @property
    def missing(self) -> tuple[str, ...]:
        """Points of the view that are not placed."""
        return tuple(key for key in self.order if self.case is not None and key not in self.case.landmarks)

    def place_point(self, x_px: float, y_px: float) -> None:
        """Place the selected point, which was missing, and select the next missing one."""
        key = self.selected_point
        if self.case is None or key not in self.missing:
            return
        after = self.case.with_new_point(key, *self._inside(x_px, y_px), self.order)
        self._push(after, f"Place {key}")
        at = self.order.index(key)
        later = [k for k in (*self.order[at:], *self.order[:at]) if k in self.missing]
        self.select_point(later[0] if later else key)

    @property
    def dragging(self) -> bool:
        """Whether a point is being dragged; undo and redo wait until it is dropped."""
        return self._drag_start is not None

    def end_drag(self, key: str) -> None:
        """Finish a drag."""
        before, self._drag_start = self._drag_start, None
        if before is not None and self.case is not None and before is not self.case:
            self.undo_stack.push(CaseCommand(self, before, self.case, f"Move {key}"))

    def abandon_drag(self) -> None:
        """Put the dragged point back where it was."""
        before, self._drag_start = self._drag_start, None
        if before is not None:
            self.put_case(before)

    def nudge_point(self, key: str, dx_px: float, dy_px: float) -> None:
        """Move a point by a keyboard step."""
        if self.case is None or key not in self.case.landmarks:
            return
        point = self.case.landmarks[key]
        after = self.case.with_point(key, *self._inside(point.x_px + dx_px, point.y_px + dy_px))
        self.undo_stack.push(NudgeCommand(self, self.case, after, f"Nudge {key}", key))

    def reset_points(self, key: str | None = None) -> None:
        """Put one point, or all of them, back at the automatic position."""
        if self.case is None:
            return
        after = self.case.with_automatic(key)
        if dict(after.landmarks.points) != dict(self.case.landmarks.points):
            self._push(after, f"Reset {key}" if key else "Reset all points")

    def settle_side(self, side: Side) -> None:
        """Record a person's decision about the side."""
        if self.case is not None and (self.case.side.side is not side or self.case.side.source != "user"):
            self._push(self.case.with_side(side), f"Set side to {side}")

    def settle_view(self) -> None:
        """Record that a person finds the view right although the file's tags name another one."""
        if self.case is not None and self.case.view_conflict:
            self._push(self.case.with_view_settled(), "Keep the view")

    def set_calibration(self, calibration: Calibration, cautioned: Collection[str] = ()) -> None:
        """Use a spacing of the user's own; the ``cautioned`` points are not to be left to the program."""
        if self.case is not None:
            self._push(with_spacing(self.case, calibration, cautioned), "Set spacing")

    @property
    def can_confirm(self) -> bool:
        """Whether nothing stands in the way of a confirmation except the reader's name."""
        case = self.case
        return case is not None and case.is_draft and not case.doubts and len(case.landmarks) > 0

    def confirm(self, by: str) -> bool:
        """Confirm the case in the reader's name. False when the case does not allow it."""
        name = by.strip()
        if not name or not self.can_confirm or self.case is None:
            return False
        at = datetime.now().astimezone().isoformat(timespec="seconds")
        self._push(self.case.confirmed(name, at), "Confirm")
        return True

    def saved(self, path: Path) -> None:
        """Note that the present case is on disk."""
        self.case_path = path
        self.undo_stack.setClean()
        self.path_changed.emit()

    @property
    def is_dirty(self) -> bool:
        """Whether there are changes that are not on disk."""
        return not self.undo_stack.isClean()

    # -- derived and display state -----------------------------------------------------------------

    def set_results(self, results: tuple[MeasurementResult, ...]) -> None:
        """Take over freshly computed measurements."""
        self.results = results
        self.results_changed.emit()

    def select_point(self, key: str) -> None:
        """Select a point ("" for none); selecting counts as having looked at it."""
        if key == self.selected_point:
            return
        self.selected_point = key
        if key:
            self.visited = self.visited | {key}
        self.point_selected.emit(key)

    def highlight(self, keys: tuple[str, ...]) -> None:
        """Choose the measurements whose lines are drawn."""
        if keys != self.highlighted:
            self.highlighted = keys
            self.highlight_changed.emit()

    def needs_look(self) -> tuple[str, ...]:
        """Points that a person should look at, as the report marks them, in the view's order."""
        if self.case is None:
            return ()
        return tuple(key for key in self.case.landmarks if needs_look(self.case, key))

    def walk(self, step: int, *, only_needing_look: bool = False) -> None:
        """Select the next (or previous) point in the view's order."""
        if self.case is None:
            return
        order = list(self.order or self.case.landmarks)
        wanted = set(self.needs_look()) if only_needing_look else set(order)
        if not wanted:
            return
        start = order.index(self.selected_point) if self.selected_point in order else (-1 if step > 0 else 0)
        for distance in range(1, len(order) + 1):
            key = order[(start + step * distance) % len(order)]
            if key in wanted:
                self.select_point(key)
                return

    def _push(self, after: Case, text: str) -> None:
        assert self.case is not None
        self.undo_stack.push(CaseCommand(self, self.case, after, text))

    def _inside(self, x_px: float, y_px: float) -> tuple[float, float]:
        if self.film is None:
            return x_px, y_px
        width, height = self.film.size_px
        return min(max(x_px, -0.5), width - 0.5), min(max(y_px, -0.5), height - 0.5)
