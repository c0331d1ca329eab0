"""Simulated pelvis and hip films: adults and children from the front, the false profile, frog-leg films."""
