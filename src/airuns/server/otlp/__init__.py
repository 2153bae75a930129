"""OpenTelemetry: spans of model calls that other programs send become runs and tasks."""
