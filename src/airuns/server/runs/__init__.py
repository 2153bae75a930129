"""THE HEART: the message tree, tasks, the engine that runs them, and their live events."""
