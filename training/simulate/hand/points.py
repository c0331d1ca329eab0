"""The 37 named points of the PA hand: keys in the order of Payer et al. (2019), and descriptions.

Places were taken from how readers set them on children's PA films: the interphalangeal points sit
on the head of the bone proximal to the joint, the forearm border points at the metaphysis.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_FINGERS = ("index", "middle", "ring", "little")

_WRIST: dict[str, str] = {
    "ulna_metaphysis_ulnar_border": (
        "Outer (ulnar) border of the distal ulnar metaphysis, at the level of the growth plate or its scar."
    ),
    "ulnar_styloid_tip": (
        "Tip of the ulnar styloid; before it ossifies, the most distal ulnar point of the ulna."
    ),
    "ulna_metaphysis_radial_border": (
        "Inner (radial) border of the distal ulnar metaphysis, facing the radius."
    ),
    "radius_metaphysis_ulnar_border": (
        "Inner (ulnar) border of the distal radial metaphysis, facing the ulna."
    ),
    "radius_metaphysis_radial_border": (
        "Outer (radial) border of the distal radial metaphysis, at the level of the growth plate or its scar."
    ),
    "radial_styloid_tip": "Tip of the radial styloid, the most distal point of the radius.",
    "triquetrum_proximal": "Most proximal point of the triquetrum outline.",
    "lunate_proximal": "Most proximal point of the lunate outline.",
    "scaphoid_proximal_pole": "Most proximal point of the scaphoid outline.",
    "hamate_proximal_apex": "Proximal apex of the hamate, its most proximal outline point.",
    "capitate_head": "Most proximal point of the capitate head outline.",
    "trapezoid_proximal": "Most proximal point of the trapezoid outline, facing the scaphoid.",
    "trapezium_proximal": "Most proximal point of the trapezium outline.",
    "fifth_metacarpal_base": "Middle of the oblique surface of the fifth metacarpal base facing the hamate.",
    "fourth_metacarpal_base": "Middle of the proximal surface of the fourth metacarpal base.",
    "third_metacarpal_base": "Middle of the proximal surface of the third metacarpal base.",
    "second_metacarpal_base": "Middle (notch) of the proximal surface of the second metacarpal base.",
    "first_metacarpal_base": "Middle of the surface of the first metacarpal base facing the trapezium.",
}

_THUMB: dict[str, str] = {
    "thumb_proximal_phalanx_base": "Middle of the proximal surface of the thumb's proximal phalanx.",
    "thumb_proximal_phalanx_head": "Middle of the distal surface of the thumb's proximal phalanx.",
    "thumb_distal_phalanx_tip": "Most distal point of the tuft of the thumb's distal phalanx.",
}


def _finger(name: str) -> dict[str, str]:
    owner = f"{name} finger's"
    return {
        f"{name}_proximal_phalanx_base": (
            f"Middle of the proximal surface of the {owner} proximal phalanx, epiphysis included."
        ),
        f"{name}_proximal_phalanx_head": f"Middle of the distal surface of the {owner} proximal phalanx.",
        f"{name}_middle_phalanx_head": f"Middle of the distal surface of the {owner} middle phalanx.",
        f"{name}_distal_phalanx_tip": f"Most distal point of the tuft of the {owner} distal phalanx.",
    }


def _all() -> dict[str, str]:
    points = _WRIST | _THUMB
    for name in _FINGERS:
        points |= _finger(name)
    return points


HAND_POINT_DESCRIPTIONS: Mapping[str, str] = MappingProxyType(_all())
"""What each named point of the hand means, one line each, in the order of ``HAND_POINTS``."""

HAND_POINTS: tuple[str, ...] = tuple(HAND_POINT_DESCRIPTIONS)
"""Keys of the 37 points; number k of the convention (1-based) is entry k - 1."""
