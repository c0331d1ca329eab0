"""What each subcommand does. Nothing here needs a window."""
