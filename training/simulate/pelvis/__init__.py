"""Simulated pelvis and hip films: anterior-posterior of adults and of children, and the false profile."""
