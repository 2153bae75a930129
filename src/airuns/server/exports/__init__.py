"""Exports: runs to take away as files, and to bring back."""
