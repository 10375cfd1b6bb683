"""Parts and encoders: pure tensors. Nothing here knows of events or disk."""
