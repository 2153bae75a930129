"""AI Runs keeps every conversation that people and programs have with language models."""

__version__ = "0.1.0"
