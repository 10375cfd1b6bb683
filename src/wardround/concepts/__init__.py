"""Events to derived events: clinical scores computed from a stay's own values by published definitions."""
