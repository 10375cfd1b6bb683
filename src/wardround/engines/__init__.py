"""Who does many like tasks: threads of this process, or a Ray cluster. What asks for them does not know which."""
