"""What a measurement gives: value, interval, reason, and the lines that show how it was made."""

from __future__ import annotations

from dataclasses import dataclass

XY = tuple[float, float]

UNIT_TEXT = {"deg": "°", "mm": " mm", "px": " px", "ratio": "", "percent": " %"}


@dataclass(frozen=True)
class Segment:
    """A straight line drawn from ``start`` to ``end`` (x, y in film pixels)."""

    start: XY
    end: XY
    dashed: bool = False  # an extension or helper rather than an anatomical line


@dataclass(frozen=True)
class Arc:
    """The arc of an angle: around ``centre`` from ``start_deg`` sweeping ``sweep_deg``.

    Angles are in film pixels, measured from the x axis towards the y axis (clockwise on screen).
    """

    centre: XY
    radius: float
    start_deg: float
    sweep_deg: float


@dataclass(frozen=True)
class Circle:
    """A fitted circle in film pixels."""

    centre: XY
    radius: float


@dataclass(frozen=True)
class Label:
    """Text placed at a film position."""

    at: XY
    text: str


Shape = Segment | Arc | Circle | Label


@dataclass(frozen=True)
class NormalRange:
    """Reference range with its source. ``verified`` is False when the source was not checked."""

    low: float | None
    high: float | None
    population: str
    citation: str
    verified: bool


@dataclass(frozen=True)
class Grade:
    """One grade of a scale: values from the limit of the grade before up to, but not at, ``below``.

    The last grade of a scale has no limit (None).
    """

    name: str
    below: float | None


@dataclass(frozen=True)
class GradeScale:
    """Grades in the order of rising values, with their source.

    ``population`` says for whom and on which films the grades are meant. ``verified`` is False when the
    source was not checked: such a scale is shown with the definition, but grades no value.
    """

    grades: tuple[Grade, ...]
    population: str
    citation: str
    verified: bool

    def grade(self, value: float) -> str:
        """The name of the grade of ``value`` (in the measurement's unit), "" on an unverified scale."""
        if not self.verified:
            return ""
        return next(g.name for g in self.grades if g.below is None or value < g.below)


@dataclass(frozen=True)
class MeasurementResult:
    """One measurement of one film.

    ``value`` is None when it could not be computed; ``reason`` then says why in a sentence.
    ``interval`` is the 90 % interval (low, high) from the points' expected errors, None when unknown.
    ``unit`` is ``deg``, ``mm``, ``px``, ``ratio`` or ``percent``. ``note`` qualifies the value, for
    example why a length is in pixels. ``definition`` is key and version, e.g. ``ldta@1``.
    """

    key: str
    name: str
    value: float | None
    unit: str
    interval: tuple[float, float] | None
    reason: str | None
    definition: str
    points: tuple[str, ...]
    shapes: tuple[Shape, ...]
    normal: NormalRange | None = None
    sign: str = ""
    note: str = ""


def format_value(value: float, unit: str) -> str:
    """A value with its unit as printed: one decimal, three for ratios, a true minus sign."""
    digits = 3 if unit == "ratio" else 1
    text = f"{value:.{digits}f}"
    if float(text) == 0.0:
        text = text.lstrip("-")
    return text.replace("-", "\u2212") + UNIT_TEXT.get(unit, f" {unit}")
