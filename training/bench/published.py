"""Errors of other work that the tables stand beside.

Mean absolute differences from a reader on real films with ten real references, from the figure on the project
page of Eschweiler et al., "RadiographLandmarkMatching" (Eur Radiol 2026, doi 10.1007/s00330-026-12555-y),
and of two readers from each other. Foot, knee and shoulder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Published:
    """Mean absolute error at ten references, and difference of two readers, in the measurement's unit."""

    ten_references: float
    readers: float


PUBLISHED: Mapping[str, Published] = MappingProxyType(
    {
        "hallux_valgus_angle": Published(1.71, 2.25),
        "intermetatarsal_1_2": Published(1.72, 1.49),
        "intermetatarsal_1_5": Published(1.71, 2.25),
        "medial_arch_angle": Published(2.08, 3.01),
        "talus_first_metatarsal": Published(5.78, 4.73),
        "calcaneal_pitch": Published(1.76, 2.59),
        "medial_jsw": Published(0.72, 0.57),
        "lateral_jsw": Published(0.71, 0.84),
        "insall_salvati": Published(0.07, 0.15),
        "caton_deschamps": Published(0.11, 0.10),
        "sulcus_angle": Published(3.96, 3.31),
        "congruence_angle": Published(8.21, 6.18),
        "critical_shoulder_angle": Published(2.20, 2.23),
        "lateral_acromion_angle": Published(5.10, 6.10),
        "acromion_index": Published(0.05, 0.05),
        "acromiohumeral_interval": Published(1.98, 0.90),
    }
)
"""By key of the catalogue's measurement."""
