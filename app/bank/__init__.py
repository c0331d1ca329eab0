"""A bank of the user's own in the window: which one is used, and what is added to it."""
