"""A calm dark look for a reading room: neutral greys, system font, strong contrast for numbers."""

from __future__ import annotations

from PySide6.QtGui import QColor, QIcon, QPalette
from PySide6.QtWidgets import QApplication

from core.resources import resource_path

GROUND = "#1d1f21"
PANEL = "#26292c"
FIELD = "#191b1d"
LINE = "#3a3e43"
TEXT = "#e6e8ea"
SOFT = "#9aa1a8"
STRONG = "#ffffff"
ACCENT = "#3f7fa6"
AMBER = "#ffb01f"
RED = "#ff8a7a"
GREEN = "#8ee07a"

_STYLE = f"""
QToolTip {{ background: {PANEL}; color: {TEXT}; border: 1px solid {LINE}; padding: 4px; }}
QMainWindow::separator {{ background: {GROUND}; width: 5px; height: 5px; }}
QMainWindow::separator:hover {{ background: {ACCENT}; }}
QDockWidget {{ color: {SOFT}; font-weight: 600; }}
QDockWidget::title {{ background: {GROUND}; padding: 6px 8px; }}
QToolBar {{ background: {GROUND}; border: none; border-bottom: 1px solid {LINE}; padding: 3px; }}
QToolButton {{ padding: 5px 9px; border-radius: 4px; }}
QToolButton:hover {{ background: {LINE}; }}
QToolButton:checked {{ background: #2b3a45; color: {STRONG}; border: 1px solid {ACCENT}; }}
QToolButton:focus, QPushButton:focus {{ outline: none; border: 1px solid #7fc4ec; }}
QStatusBar {{ background: {GROUND}; border-top: 1px solid {LINE}; }}
QStatusBar::item {{ border: none; }}
QStatusBar QLabel {{ color: {SOFT}; padding: 0 6px; }}
QHeaderView::section {{ background: {PANEL}; color: {SOFT}; border: none;
  border-bottom: 1px solid {LINE}; padding: 4px 6px; }}
QTableView, QListView {{ background: {FIELD}; border: 1px solid {LINE}; outline: none;
  selection-background-color: #2f5f7d; selection-color: {STRONG}; }}
QListView::item {{ padding: 4px 6px; }}
QPushButton {{ background: #33373c; border: 1px solid #4a4f56; border-radius: 4px; padding: 5px 12px; }}
QPushButton:hover {{ background: #3d4248; }}
QPushButton:disabled {{ color: #6b7178; border-color: {LINE}; background: {PANEL}; }}
QPushButton[primary="true"]:enabled {{ background: {ACCENT}; border-color: {ACCENT}; color: {STRONG}; }}
QPushButton[primary="true"]:enabled:hover {{ background: #4a90bb; }}
QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
QLineEdit, QComboBox {{ background: {FIELD}; border: 1px solid #4a4f56;
  border-radius: 4px; padding: 4px 6px; }}
QLineEdit:focus, QComboBox:focus {{ border-color: #7fc4ec; }}
QCheckBox::indicator {{ width: 14px; height: 14px; border: 1px solid #848b93; border-radius: 3px;
  background: {FIELD}; }}
QCheckBox::indicator:checked {{ background: {ACCENT}; border-color: #7fc4ec; image: url("@check@"); }}
QProgressBar {{ border: 1px solid {LINE}; border-radius: 3px; background: {FIELD}; max-height: 10px; }}
QProgressBar::chunk {{ background: {ACCENT}; border-radius: 2px; }}
QLabel[role="soft"] {{ color: {SOFT}; }}
QLabel[role="head"] {{ color: {SOFT}; font-weight: 600; }}
QFrame[kind="error"] {{ background: #4a2b2b; border-bottom: 1px solid {RED}; }}
QFrame[kind="warning"] {{ background: #4a3a18; border-bottom: 1px solid {AMBER}; }}
QFrame[kind="info"] {{ background: #24384a; border-bottom: 1px solid {ACCENT}; }}
QFrame[kind="banner"] {{ background: #4a3a18; border: 1px solid {AMBER}; border-radius: 4px; }}
"""


def apply_theme(app: QApplication) -> None:
    """Style the whole program."""
    app.setStyle("Fusion")
    palette = QPalette()
    role = QPalette.ColorRole
    for which, colour in (
        (role.Window, GROUND),
        (role.WindowText, TEXT),
        (role.Base, FIELD),
        (role.AlternateBase, PANEL),
        (role.Text, TEXT),
        (role.Button, PANEL),
        (role.ButtonText, TEXT),
        (role.BrightText, STRONG),
        (role.Highlight, "#2f5f7d"),
        (role.HighlightedText, STRONG),
        (role.ToolTipBase, PANEL),
        (role.ToolTipText, TEXT),
        (role.PlaceholderText, SOFT),
        (role.Link, "#7fc4ec"),
        (role.Mid, LINE),
        (role.Dark, "#141617"),
        (role.Light, "#40454b"),
    ):
        palette.setColor(which, QColor(colour))
    for which in (role.Text, role.WindowText, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, which, QColor("#6b7178"))
    app.setPalette(palette)
    app.setStyleSheet(_STYLE.replace("@check@", resource_path("assets", "icons", "check.svg").as_posix()))
    app.setWindowIcon(QIcon(str(resource_path("assets", "icons", "orthomatch.svg"))))
