"""Simulated knees: frontal weight-bearing, lateral and axial films."""
