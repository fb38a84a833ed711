"""Moving scenes with known motion, to train an interpolator on."""
