"""The desktop program. Shows what ``core`` computes; holds no domain logic."""
