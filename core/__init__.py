"""Domain of OrthoMatch: films, landmarks, matching, measurement. No Qt."""

__version__ = "0.1.0"
