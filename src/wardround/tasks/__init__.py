"""What is predicted, for whom, when, and who is held out."""
