"""Search: runs by what was said in them, in any script."""
