"""Small windows: keyboard overview, about, unsaved changes."""

from __future__ import annotations

from enum import Enum
from html import escape

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QMessageBox,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.actions import ACTIONS, STATEMENT, keyboard_rows
from core import __version__


class Leave(Enum):
    """What to do with unsaved changes."""

    SAVE = "save"
    DISCARD = "discard"
    STAY = "stay"


def ask_unsaved(parent: QWidget) -> Leave:
    """Ask before leaving a changed case."""
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.NoIcon)
    box.setWindowTitle("Unsaved changes")
    box.setText("The points of this film were changed and not saved.")
    button = QMessageBox.StandardButton
    box.setStandardButtons(button.Save | button.Discard | button.Cancel)
    box.setDefaultButton(button.Save)
    answer = box.exec()
    return {int(button.Save): Leave.SAVE, int(button.Discard): Leave.DISCARD}.get(int(answer), Leave.STAY)


def keyboard_html() -> str:
    """All keys and gestures as a table."""
    native = {
        ", ".join(spec.keys): ", ".join(
            QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText) for key in spec.keys
        )
        for spec in ACTIONS
    }
    rows, group = [], ""
    for head, keys, meaning in keyboard_rows():
        if head != group:
            rows.append(
                f"<tr><td colspan=2 style='color:{theme.SOFT}; padding-top:10px'>"
                f"<b>{escape(head)}</b></td></tr>"
            )
            group = head
        shown = native.get(keys, keys)
        rows.append(
            f"<tr><td style='padding:2px 18px 2px 0; color:{theme.STRONG}'><b>{escape(shown)}</b></td>"
            f"<td style='padding:2px 0'>{escape(meaning)}</td></tr>"
        )
    return f"<table>{''.join(rows)}</table>"


def keyboard_dialog(parent: QWidget) -> QDialog:
    """The keyboard overview; stays beside the work."""
    dialog = QDialog(parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setWindowTitle("Keyboard and mouse")
    text = QTextBrowser()
    text.setHtml(keyboard_html())
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    buttons.rejected.connect(dialog.close)
    column = QVBoxLayout(dialog)
    column.addWidget(text)
    column.addWidget(buttons)
    dialog.resize(560, 640)
    return dialog


def about_text(provider: str) -> str:
    """Name, version, statement and what the program runs on."""
    engine = provider or "not loaded yet"
    return (
        f"<h3>OrthoMatch {escape(__version__)}</h3>"
        "<p>Measures bones on radiographs by matching a film to annotated reference films. Works offline.</p>"
        f"<p><b>{escape(STATEMENT)}</b></p>"
        f"<p style='color:{theme.SOFT}'>Matching runs on: {escape(engine)}</p>"
    )


def about_dialog(parent: QWidget, provider: str) -> QDialog:
    """The About window."""
    dialog = QDialog(parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setWindowTitle("About OrthoMatch")
    label = QLabel(about_text(provider))
    label.setWordWrap(True)
    label.setMinimumWidth(420)
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    buttons.rejected.connect(dialog.close)
    column = QVBoxLayout(dialog)
    column.addWidget(label)
    column.addWidget(buttons)
    return dialog
