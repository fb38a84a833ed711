"""Image arithmetic that several stages share. Arrays only."""
