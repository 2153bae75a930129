"""Models: where they are called, how their answers are read, and what they cost."""
