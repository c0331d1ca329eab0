"""Simulated ankles and lower legs from the front, AP to mortise view (``ankle_ap``)."""
