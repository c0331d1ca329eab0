"""Point layouts with known measurements, one module a view: ``POINTS``, ``VALUES`` and ``UNVERIFIED``."""
