"""Simulated films of the wrist."""
