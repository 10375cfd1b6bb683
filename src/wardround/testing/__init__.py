"""For packages that add to wardround: checks of what they add."""
