"""Gestures on the film: drag points, nudge by keys, walk points, pan, window/level."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QPointF, Qt, QTimer
from PySide6.QtGui import QKeyEvent, QMouseEvent

from app.session import Session
from app.viewer.scene import FilmView
from core.film import Window

_GRAB_PX = 14.0
_LOUPE_AFTER_NUDGE_MS = 1500
_ARROWS = {
    Qt.Key.Key_Left: (-1.0, 0.0),
    Qt.Key.Key_Right: (1.0, 0.0),
    Qt.Key.Key_Up: (0.0, -1.0),
    Qt.Key.Key_Down: (0.0, 1.0),
}


class ViewTools(QObject):
    """Turns mouse and key events of a ``FilmView`` into changes of the session."""

    def __init__(self, view: FilmView, session: Session) -> None:
        super().__init__(view)
        self._view = view
        self._session = session
        self._held = ""
        self._offset = QPointF()
        self._moved = False
        self._press = QPointF()
        self._pan_from: QPointF | None = None
        self._ruler_from: tuple[float, float] | None = None
        self._window_from: tuple[QPointF, Window] | None = None
        self.hovered = ""
        self.hover_changed: Callable[[], None] = lambda: None
        self.ball_asked: Callable[[float, float], None] = lambda x_px, y_px: None
        self._loupe_timer = QTimer(self)
        self._loupe_timer.setSingleShot(True)
        self._loupe_timer.setInterval(_LOUPE_AFTER_NUDGE_MS)
        self._loupe_timer.timeout.connect(self._hide_loupe)
        view.installEventFilter(self)
        view.viewport().installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QMouseEvent) and watched is self._view.viewport():
            handler = {
                QEvent.Type.MouseButtonPress: self._pressed,
                QEvent.Type.MouseMove: self._moved_to,
                QEvent.Type.MouseButtonRelease: self._released,
                QEvent.Type.MouseButtonDblClick: self._pressed,
            }.get(event.type())
            return handler(event) if handler is not None else False
        if event.type() == QEvent.Type.Leave and watched is self._view.viewport():
            self._hover("")
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent) and watched is self._view:
            return self._key(event)
        return False

    def point_near(self, at: QPointF) -> str:
        """Key of the point nearest to a viewport place within reach, or ""."""
        case = self._session.case
        if case is None or not self._view.overlay_visible:
            return ""
        to_screen = self._view.to_screen()
        best, reach = "", _GRAB_PX
        for key, point in case.landmarks.points.items():
            gap = to_screen.map(QPointF(point.x_px, point.y_px)) - at
            distance = (gap.x() ** 2 + gap.y() ** 2) ** 0.5
            # The selected point wins among crowded neighbours.
            if key == self._session.selected_point:
                distance *= 0.5
            if distance < reach:
                best, reach = key, distance
        return best

    # -- mouse -----------------------------------------------------------------------------------

    def _pressed(self, event: QMouseEvent) -> bool:
        at = event.position()
        self._view.setFocus(Qt.FocusReason.MouseFocusReason)
        if self._view.item is None:
            return False
        if event.button() == Qt.MouseButton.LeftButton:
            self._press = at
            if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                place = self._view.to_film(at)
                self._ruler_from = (place.x(), place.y())
                return True
            key = self.point_near(at)
            if key and self._session.case is not None:
                point = self._session.case.landmarks[key]
                self._held, self._moved = key, False
                # Keep the grip: the point moves by as much as the pointer, without a jump.
                self._offset = QPointF(point.x_px, point.y_px) - self._view.to_film(at)
                self._session.select_point(key)
            else:
                self._pan_from = at
            return True
        if event.button() == Qt.MouseButton.MiddleButton:
            self._pan_from = at
            return True
        if event.button() == Qt.MouseButton.RightButton:
            self._window_from = (at, self._view.item.shown_through)
            return True
        return False

    def _moved_to(self, event: QMouseEvent) -> bool:
        at = event.position()
        if self._held:
            if not self._moved and (at - self._press).manhattanLength() < 3:
                return True
            self._moved = True
            target = self._view.to_film(at) + self._offset
            self._session.drag_point(self._held, target.x(), target.y())
            self._show_loupe(self._held)
        elif self._ruler_from is not None:
            place = self._view.to_film(at)
            self._view.set_ruler((self._ruler_from, (place.x(), place.y())))
        elif self._pan_from is not None:
            self._view.pan_by(at.x() - self._pan_from.x(), at.y() - self._pan_from.y())
            self._pan_from = at
        elif self._window_from is not None:
            start, window = self._window_from
            self._view.change_window(window, at.x() - start.x(), at.y() - start.y())
        else:
            self._hover(self.point_near(at))
            return False
        return True

    def _released(self, event: QMouseEvent) -> bool:
        if event.button() == Qt.MouseButton.LeftButton and self._held:
            key, self._held = self._held, ""
            if self._moved:
                self._session.end_drag(key)
            self._hide_loupe()
        elif event.button() == Qt.MouseButton.LeftButton and self._ruler_from is not None:
            place, self._ruler_from = self._ruler_from, None
            if (event.position() - self._press).manhattanLength() < 3:
                self.ball_asked(*place)
        elif event.button() == Qt.MouseButton.LeftButton and self._pan_from is not None:
            if (event.position() - self._press).manhattanLength() < 3:
                if self._session.selected_point in self._session.missing:
                    at = self._view.to_film(event.position())
                    self._session.place_point(at.x(), at.y())
                else:
                    self._session.select_point("")
            self._pan_from = None
        elif event.button() == Qt.MouseButton.MiddleButton:
            self._pan_from = None
        elif event.button() == Qt.MouseButton.RightButton:
            self._window_from = None
        else:
            return False
        return True

    def _hover(self, key: str) -> None:
        if key != self.hovered:
            self.hovered = key
            self._view.viewport().setCursor(Qt.CursorShape.CrossCursor if key else Qt.CursorShape.ArrowCursor)
            self.hover_changed()

    # -- keys ------------------------------------------------------------------------------------

    def _key(self, event: QKeyEvent) -> bool:
        key, case = Qt.Key(event.key()), self._session.case
        if key == Qt.Key.Key_Escape and self._held:
            self._held = ""
            self._session.abandon_drag()
            self._hide_loupe()
            return True
        if key == Qt.Key.Key_Escape and self._session.selected_point:
            self._session.select_point("")
            return True
        control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if key in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab) and case is not None and not control:
            self.walk(-1 if key == Qt.Key.Key_Backtab else 1)
            return True
        if key in _ARROWS and self._session.selected_point and not self._held:
            self._nudge(_ARROWS[key], event.modifiers())
            return True
        if key in _ARROWS and self._view.item is not None:
            dx, dy = _ARROWS[key]
            self._view.pan_by(-60 * dx, -60 * dy)
            return True
        return False

    def walk(self, step: int, *, only_needing_look: bool = False) -> None:
        """Select the next point and keep it in sight."""
        self._session.walk(step, only_needing_look=only_needing_look)
        case = self._session.case
        if case is not None and self._session.selected_point in case.landmarks:
            point = case.landmarks[self._session.selected_point]
            if only_needing_look:
                self._view.show_point(point.x_px, point.y_px)
            else:
                self._view.reveal(point.x_px, point.y_px)

    def _nudge(self, direction: tuple[float, float], modifiers: Qt.KeyboardModifier) -> None:
        step = 1.0
        if modifiers & Qt.KeyboardModifier.AltModifier:
            step = 0.1
        elif modifiers & Qt.KeyboardModifier.ShiftModifier:
            step = 10.0
        # Right stays right on screen when the display is flipped.
        dx = -direction[0] if self._view.flipped else direction[0]
        key = self._session.selected_point
        self._session.nudge_point(key, dx * step, direction[1] * step)
        self._show_loupe(key)
        self._loupe_timer.start()

    def _show_loupe(self, key: str) -> None:
        self._loupe_timer.stop()
        case = self._session.case
        if case is not None and key in case.landmarks:
            point = case.landmarks[key]
            self._view.loupe_at = (point.x_px, point.y_px)
            self._view.viewport().update()

    def _hide_loupe(self) -> None:
        self._loupe_timer.stop()
        self._view.loupe_at = None
        self._view.viewport().update()
