"""Training the network for small compressed video."""
