"""One paper, or one baseline, a file."""
