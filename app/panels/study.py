"""Patient and study, view, side, spacing, provenance, verdict, and the confirmation."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app import theme
from core.case import Case, VerdictLevel
from core.film import Calibration, FilmTags, Radiograph, Side, SpacingSource

AUTOMATIC = ""
_SPACING = {
    SpacingSource.USER: "set by the user",
    SpacingSource.FIDUCIAL: "calibrated with a fiducial",
    SpacingSource.GEOMETRY: "corrected for geometry",
    SpacingSource.MAGNIFICATION: "detector, corrected by the stated magnification",
    SpacingSource.DISTANCES: "detector, corrected by the stated distances",
    SpacingSource.DETECTOR: "at the detector, not corrected for magnification",
    SpacingSource.SCANNED: "of the scanned film",
    SpacingSource.NONE: "unknown: lengths in pixels",
}
_VERDICT = {
    VerdictLevel.GOOD: ("Good match", theme.GREEN),
    VerdictLevel.CHECK: ("Check points", theme.AMBER),
    VerdictLevel.OUTSIDE: ("Outside the bank", theme.RED),
}
_SIDE_SOURCE = {
    "tag": "from the file",
    "matcher": "from the image",
    "user": "by the user",
    "default": "assumed",
    "view": "by its kind",
}


def _label(wrap: bool = True) -> QLabel:
    label = QLabel()
    label.setWordWrap(wrap)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def patient_text(tags: FilmTags) -> str:
    """Name, identifier, birth date and sex as far as known."""
    parts = [tags.patient_name.replace("^", " ").strip(), tags.patient_id, tags.birth_date, tags.sex]
    return "  \u00b7  ".join(part for part in parts if part) or "Not stated"


def study_text(tags: FilmTags) -> str:
    """Date and description as far as known."""
    described = tags.study_description or tags.series_description
    return (
        "  \u00b7  ".join(part for part in (tags.study_date, described, tags.accession) if part)
        or "Not stated"
    )


def spacing_text(calibration: Calibration) -> str:
    """Spacing and where it comes from."""
    source = _SPACING[calibration.source]
    if calibration.relative_error:
        source += f" (\u00b1 {100 * calibration.relative_error:.2g} %)"
    if calibration.column_mm is None or calibration.row_mm is None:
        return source[0].upper() + source[1:]
    if abs(calibration.column_mm - calibration.row_mm) < 1e-6:
        return f"{calibration.column_mm:.4f} mm, {source}"
    return f"{calibration.column_mm:.4f} \u00d7 {calibration.row_mm:.4f} mm, {source}"


class StudyPanel(QWidget):
    """What is known of the film and who answers for the result."""

    view_chosen = Signal(str)  # "" for automatic
    side_chosen = Signal(str)  # "" for automatic
    view_kept = Signal()
    confirm_asked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.patient, self.study, self.film = _label(), _label(), _label()
        self.view_box, self.side_box = QComboBox(), QComboBox()
        self.view_box.setAccessibleName("View")
        self.side_box.setAccessibleName("Side")
        for box in (self.view_box, self.side_box):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(8)
        self.view_box.addItem("Automatic", AUTOMATIC)
        for text, side in (("Automatic", AUTOMATIC), ("Left", Side.LEFT), ("Right", Side.RIGHT)):
            self.side_box.addItem(text, str(side))
        self.view_text, self.side_text = _label(), _label()
        self.verdict, self.verdict_text, self.spacing, self.made_by = _label(), _label(), _label(), _label()
        for label in (self.view_text, self.side_text, self.verdict_text, self.made_by, self.film):
            label.setProperty("role", "soft")
        self.banner = self._make_banner()

        form = QGridLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(5)
        form.setColumnStretch(1, 1)
        rows: tuple[tuple[str, QWidget], ...] = (
            ("Patient", self.patient),
            ("Study", self.study),
            ("Film", self.film),
            ("View", self.view_box),
            ("", self.view_text),
            ("Side", self.side_box),
            ("", self.side_text),
            ("Verdict", self.verdict),
            ("", self.verdict_text),
            ("Spacing", self.spacing),
            ("Made by", self.made_by),
        )
        for row_number, (head, field) in enumerate(rows):
            caption = QLabel(head)
            caption.setProperty("role", "soft")
            align = (
                Qt.AlignmentFlag.AlignVCenter if isinstance(field, QComboBox) else Qt.AlignmentFlag.AlignTop
            )
            form.addWidget(caption, row_number, 0, align)
            form.addWidget(field, row_number, 1)
        inner = QWidget()
        stack = QVBoxLayout(inner)
        stack.setContentsMargins(8, 6, 8, 6)
        stack.addWidget(self.banner)
        stack.addLayout(form)
        stack.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inner)

        self.state = _label()
        self.reader = QLineEdit()
        self.reader.setPlaceholderText("Reader's name")
        self.reader.setAccessibleName("Reader's name")
        self.confirm_button = QPushButton("Confirm")
        self.confirm_button.setProperty("primary", "true")
        row = QHBoxLayout()
        row.addWidget(self.reader, 1)
        row.addWidget(self.confirm_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 8)
        column.addWidget(scroll, 1)
        foot = QVBoxLayout()
        foot.setContentsMargins(8, 0, 8, 0)
        foot.addWidget(self.state)
        foot.addLayout(row)
        column.addLayout(foot)

        self._may_confirm = False
        self.view_box.activated.connect(lambda *_: self.view_chosen.emit(self.view_box.currentData()))
        self.side_box.activated.connect(lambda *_: self.side_chosen.emit(self.side_box.currentData()))
        self.reader.textChanged.connect(lambda *_: self._update_button())
        self.reader.returnPressed.connect(self.ask_confirm)
        self.confirm_button.clicked.connect(self.ask_confirm)

    def _make_banner(self) -> QFrame:
        banner = QFrame()
        banner.setProperty("kind", "banner")
        self.banner_text = _label()
        left, right, self.keep_view = QPushButton("Left"), QPushButton("Right"), QPushButton()
        self._sides = (left, right)
        self.keep_view.clicked.connect(lambda: self.view_kept.emit())
        left.clicked.connect(lambda: self.side_chosen.emit(str(Side.LEFT)))
        right.clicked.connect(lambda: self.side_chosen.emit(str(Side.RIGHT)))
        buttons = QHBoxLayout()
        buttons.addWidget(left)
        buttons.addWidget(right)
        buttons.addWidget(self.keep_view)
        buttons.addStretch(1)
        box = QVBoxLayout(banner)
        box.addWidget(self.banner_text)
        box.addLayout(buttons)
        banner.hide()
        return banner

    def set_views(self, views: Mapping[str, str]) -> None:
        """Offer the views (key to name) in the chooser."""
        now = self.view_box.currentData()
        with QSignalBlocker(self.view_box):
            self.view_box.clear()
            self.view_box.addItem("Automatic", AUTOMATIC)
            for key, name in views.items():
                self.view_box.addItem(name, key)
            self.view_box.setCurrentIndex(max(0, self.view_box.findData(now)))

    @property
    def chosen_view(self) -> str:
        """The view asked for, "" for automatic."""
        return str(self.view_box.currentData() or AUTOMATIC)

    @property
    def chosen_side(self) -> str:
        """The side asked for, "" for automatic."""
        return str(self.side_box.currentData() or AUTOMATIC)

    def choose(self, view: str, side: str) -> None:
        """Set both choosers without telling anyone."""
        with QSignalBlocker(self.view_box), QSignalBlocker(self.side_box):
            self.view_box.setCurrentIndex(max(0, self.view_box.findData(view)))
            self.side_box.setCurrentIndex(max(0, self.side_box.findData(side)))

    def show_film(self, film: Radiograph | None) -> None:
        """Show patient, study and spacing of a film."""
        if film is None:
            for label in (self.patient, self.study, self.film, self.spacing):
                label.setText("")
            return
        self.patient.setText(patient_text(film.tags))
        self.study.setText(study_text(film.tags))
        width, height = film.size_px
        lines = [film.path.name, f"{width} \u00d7 {height} px", *film.notes]
        self.film.setText("\n".join(lines))
        self._show_spacing(film.calibration)

    def show_case(self, case: Case | None, view_name: str, unvisited: tuple[str, ...]) -> None:
        """Show a case; ``unvisited`` are names of points that still need a look."""
        self.banner.setVisible(case is not None and bool(case.doubts))
        if case is None:
            for label in (
                self.view_text,
                self.side_text,
                self.verdict,
                self.verdict_text,
                self.made_by,
                self.state,
            ):
                label.setText("")
            self._may_confirm = False
            self._update_button()
            return
        how = "chosen by the user" if case.view_source == "user" else "recognised by the program"
        self.view_text.setText(f"{view_name}, {how}. {case.view_text}".strip())
        self.choose(
            case.view if case.view_source == "user" else AUTOMATIC,
            str(case.side.side) if case.side.source == "user" else AUTOMATIC,
        )
        source = _SIDE_SOURCE.get(case.side.source, case.side.source)
        mirrored = (
            "\nThe stored image is mirrored; Flip (X) shows it as usually seen." if case.side.mirrored else ""
        )
        self.side_text.setText(
            f"{str(case.side.side).capitalize()}, {source}. {case.side.text}{mirrored}".strip()
        )
        self._show_doubt(case, view_name)
        title, colour = _VERDICT[case.verdict.level]
        self.verdict.setText(title)
        self.verdict.setStyleSheet(f"color: {colour}; font-weight: 600;")
        self.verdict_text.setText(case.verdict.text)
        self._show_spacing(case.calibration)
        made = case.provenance
        self.made_by.setText(
            f"OrthoMatch {made.program_version}, placed by hand"
            if not made.references
            else f"OrthoMatch {made.program_version}, {made.provider.removesuffix('ExecutionProvider')}, "
            f"{len(made.references)} references, {made.elapsed_ms / 1000:.1f} s\n"
            f"model {made.model_sha256[:8]}, bank {made.bank_sha256[:8]}"
        )
        self.made_by.setToolTip(f"Model SHA-256 {made.model_sha256}\nBank SHA-256 {made.bank_sha256}")
        self._show_state(case, unvisited)

    def _show_doubt(self, case: Case, view_name: str) -> None:
        """Ask for the view first: which side it is depends on it."""
        if case.view_conflict:
            text = f"The view is in doubt. {case.view_text}\nKeep it, or choose another one below."
        else:
            text = f"The side is in doubt. {case.side.text}\nWhich side is it?"
        self.banner_text.setText(text)
        self.keep_view.setText(f"It is {view_name}")
        self.keep_view.setVisible(case.view_conflict)
        for button in self._sides:
            button.setVisible(not case.view_conflict)

    def ask_confirm(self) -> None:
        """Ask for the confirmation in the entered name."""
        if self.confirm_button.isEnabled():
            self.confirm_asked.emit(self.reader.text().strip())
        elif self._may_confirm:
            self.reader.setFocus()

    def _show_state(self, case: Case, unvisited: tuple[str, ...]) -> None:
        confirmation = case.confirmation
        if confirmation is not None:
            when = confirmation.at
            with suppress(ValueError):  # an odd time stamp is shown as it stands
                when = f"{datetime.fromisoformat(when):%Y-%m-%d %H:%M}"
            self.state.setText(f"CONFIRMED by {confirmation.by}, {when}")
            self.state.setStyleSheet(f"color: {theme.GREEN}; font-weight: 600;")
        else:
            text = "DRAFT"
            if case.doubts:
                text += f": settle the {'view' if case.view_conflict else 'side'} first"
            elif unvisited:
                shown = ", ".join(unvisited[:3]) + (
                    f" and {len(unvisited) - 3} more" if len(unvisited) > 3 else ""
                )
                text += f": not yet looked at (key N): {shown}"
            self.state.setText(text)
            self.state.setStyleSheet(f"color: {theme.AMBER}; font-weight: 600;")
        self._may_confirm = case.is_draft and not case.doubts
        self._update_button()

    def _show_spacing(self, calibration: Calibration) -> None:
        self.spacing.setText(spacing_text(calibration))
        self.spacing.setToolTip(calibration.detail)

    def _update_button(self) -> None:
        self.confirm_button.setEnabled(self._may_confirm and bool(self.reader.text().strip()))
        self.reader.setEnabled(self._may_confirm)
