"""Simulated films of the elbow."""
