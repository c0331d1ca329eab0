"""Every action with its keys, as data. Menus, tool bar and Help > Keyboard come from this list."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ActionSpec:
    """``name`` is what code calls it, ``keys`` are portable key texts.

    Actions that do the same with another ``argument`` share a handler, ``does``.
    """

    name: str
    menu: str
    text: str
    keys: tuple[str, ...] = ()
    checkable: bool = False
    toolbar: bool = False
    tip: str = ""
    does: str = ""
    argument: str = ""


def _export(
    key: str, text: str, keys: tuple[str, ...] = (), *, toolbar: bool = False, tip: str = ""
) -> ActionSpec:
    return ActionSpec(f"export_{key}", "Export", f"{text}\u2026", keys, False, toolbar, tip, "export", key)


ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("open", "File", "Open film\u2026", ("Ctrl+O",), toolbar=True, tip="Open one or more films"),
    ActionSpec("open_folder", "File", "Open folder\u2026", ("Ctrl+Shift+O",)),
    ActionSpec("open_case", "File", "Open case\u2026", ("Ctrl+Alt+O",)),
    ActionSpec("next_film", "File", "Next film", ("Ctrl+PgDown",)),
    ActionSpec("previous_film", "File", "Previous film", ("Ctrl+PgUp",)),
    ActionSpec("save", "File", "Save case", ("Ctrl+S",), toolbar=True),
    ActionSpec("save_as", "File", "Save case as\u2026", ("Ctrl+Shift+S",)),
    ActionSpec("pacs_import", "File", "Import from PACS\u2026"),
    ActionSpec("pacs_send", "File", "Send to PACS\u2026"),
    ActionSpec("pacs_listen", "File", "Receive films from PACS", checkable=True),
    ActionSpec("pacs_settings", "File", "PACS settings\u2026"),
    ActionSpec("watch", "File", "Watch a folder\u2026", checkable=True, tip="List new films of a folder"),
    ActionSpec("deidentify", "File", "De-identify film\u2026", tip="Write the film without identity"),
    ActionSpec("quit", "File", "Quit", ("Ctrl+Q",)),
    _export("pdf", "PDF", ("Ctrl+E",), toolbar=True, tip="Write the report"),
    _export("csv", "CSV", ("Ctrl+Shift+E",), tip="Write the values as a table"),
    _export("json", "JSON"),
    _export("fhir", "FHIR"),
    _export("sr", "DICOM structured report"),
    _export("gsps", "DICOM presentation state"),
    _export("capture", "DICOM picture"),
    _export("pdf_dicom", "DICOM report"),
    ActionSpec("undo", "Edit", "Undo", ("Ctrl+Z",), toolbar=True),
    ActionSpec("redo", "Edit", "Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), toolbar=True),
    ActionSpec("reset_point", "Edit", "Reset point", ("Backspace",), tip="Back to the automatic position"),
    ActionSpec("reset_all", "Edit", "Reset all points", ("Ctrl+Backspace",)),
    ActionSpec("measure", "Measure", "Measure", ("F5",), toolbar=True, tip="Find the points anew"),
    ActionSpec(
        "annotate", "Measure", "Place points by hand\u2026", ("Ctrl+P",), tip="For views without references"
    ),
    ActionSpec("cancel", "Measure", "Cancel", ("Esc",), tip="Stop the running task"),
    ActionSpec("next_look", "Measure", "Next point that needs a look", ("N",)),
    ActionSpec(
        "spacing", "Measure", "Set spacing\u2026", ("Ctrl+R",), tip="By a ruler or ball of known size"
    ),
    ActionSpec("confirm", "Measure", "Confirm\u2026", ("Ctrl+Return",), tip="Confirm in the reader's name"),
    ActionSpec(
        "add_to_bank", "Bank", "Add to my bank\u2026", ("Ctrl+B",), tip="Take this case as a reference"
    ),
    ActionSpec("choose_bank", "Bank", "Choose bank\u2026", tip="Measure with a bank of your own"),
    ActionSpec("new_bank", "Bank", "New bank\u2026", tip="Make an empty bank and use it"),
    ActionSpec("fit", "View", "Fit", ("F",), toolbar=True, tip="Show the whole film"),
    ActionSpec("actual_size", "View", "1:1", ("1",), toolbar=True, tip="One film pixel per screen pixel"),
    ActionSpec("zoom_in", "View", "Zoom in", ("+", "=")),
    ActionSpec("zoom_out", "View", "Zoom out", ("-",)),
    ActionSpec("invert", "View", "Invert", ("I",), checkable=True, toolbar=True, tip="Swap black and white"),
    ActionSpec("flip", "View", "Flip", ("X",), checkable=True, toolbar=True, tip="Mirror the display only"),
    ActionSpec("next_window", "View", "Next window preset", ("W",)),
    ActionSpec("overlay", "View", "Points and lines", ("O",), checkable=True, toolbar=True),
    ActionSpec("graphics", "View", "Text and markers of the file", ("G",), checkable=True),
    ActionSpec("names", "View", "All point names", ("L",), checkable=True),
    ActionSpec("next_pane", "View", "Next pane", ("F6",)),
    ActionSpec("keyboard", "Help", "Keyboard", ("F1",)),
    ActionSpec("about", "Help", "About OrthoMatch"),
)

# The letter that opens a menu with Alt, where it is not the first one.
MENU_TITLES = {"Export": "E&xport"}

GESTURES: tuple[tuple[str, str], ...] = (
    ("Mouse wheel", "Zoom at the pointer"),
    ("Left drag on a point", "Move the point (Esc while dragging puts it back)"),
    ("Left drag beside points, middle drag", "Pan"),
    ("Left click, a point not placed selected", "Place it and go to the next one"),
    ("Ctrl+Left drag", "Draw a ruler along an object of known length"),
    ("Ctrl+Left click", "Find the outline of a ball of known size (beside one: remove ruler and outline)"),
    ("Right drag", "Window/level: right widens, down brightens"),
    ("Tab, Shift+Tab", "Next, previous point (while the film has the focus)"),
    ("Arrow keys", "Move the selected point by 1 px; without a selected point, pan"),
    ("Shift+Arrow", "Move the selected point by 10 px"),
    ("Alt+Arrow", "Move the selected point by 0.1 px"),
    ("Esc", "Stop the running task; else select nothing"),
)

STATEMENT = "Not a certified medical device. A qualified person must verify every point."


def keyboard_rows() -> list[tuple[str, str, str]]:
    """(group, keys, meaning) of everything that has a key or gesture."""
    rows = [(spec.menu, ", ".join(spec.keys), spec.text.rstrip("\u2026")) for spec in ACTIONS if spec.keys]
    return rows + [("Film", keys, meaning) for keys, meaning in GESTURES]
