"""Training, once for every method: the loop, its state on disk, its checkpoints and its weights."""
