"""What survives: odd films, damaged files, kills, and long films."""
