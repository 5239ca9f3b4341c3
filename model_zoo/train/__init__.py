"""Fine-tuning: recipe, data, batches, loop, and what a run leaves."""
