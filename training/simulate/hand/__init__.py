"""Simulated PA films of hands (``hand_pa``)."""
