"""Events and labels to tensors. The only place that looks at events for a model, and the place where the future is cut
off."""
