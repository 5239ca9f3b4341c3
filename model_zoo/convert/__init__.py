"""From a checkpoint to an IR that computes the same, and to smaller ones."""
