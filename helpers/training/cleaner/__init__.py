"""Training the network that finds dust and scratches."""
