"""The film on screen: image, overlays, gestures."""
