"""Exchange of films with an archive, watching a folder, and films without identity, in the window."""
