"""Films in files: finding their frames, reading them, writing them with everything they hold."""
