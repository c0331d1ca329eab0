"""Bring all subjects' bones into correspondence: ``python -m training.simulate.register [--anatomy DIR]``.

Stores them in the user's cache folder (``ORTHOMATCH_CACHE``) and prints how well each fits.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from training.simulate.anatomy import anatomy_dir
from training.simulate.bone_names import BONE_FILES
from training.simulate.shapes import fitted_bones
from training.simulate.subjects import TEMPLATE_SUBJECT, all_subjects


def main() -> None:  # noqa: D103
    parser = argparse.ArgumentParser(prog="python -m training.simulate.register", description=__doc__)
    parser.add_argument("--anatomy", type=Path, help="folder of bone surfaces; else ORTHOMATCH_ANATOMY")
    parser.add_argument("--bone", action="append", help="bone key, may be repeated; else all bones")
    args = parser.parse_args()
    anatomy = anatomy_dir(args.anatomy)
    print("bone subject split people accepted mean_mm p95_mm folded size")
    for bone in args.bone or BONE_FILES:
        for subject in all_subjects():
            if subject.id == TEMPLATE_SUBJECT or bone not in subject.bones:
                continue
            fits = fitted_bones(anatomy, subject, bone)
            mean, p95 = max(f.mean_mm for f in fits), max(f.p95_mm for f in fits)
            folded, size = max(f.folded for f in fits), float(np.median([f.size for f in fits]))
            good = sum(f.accepted for f in fits)
            print(
                f"{bone} {subject.id} {subject.split} {len(fits)} {good} "
                f"{mean:.2f} {p95:.2f} {folded} {size:.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
