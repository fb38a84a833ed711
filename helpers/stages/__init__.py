"""One folder per effect: the stage, what it finds in a film, and how it works."""
