"""What every network needs: tensors, tiles, weights. Tensors and arrays only."""
