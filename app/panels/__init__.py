"""The docks around the film."""
