"""Simulated standing films of both whole legs."""
