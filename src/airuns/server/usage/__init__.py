"""Usage: what has been used, added up by hour and by day, and what it tells."""
