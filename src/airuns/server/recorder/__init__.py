"""The recorder: how calls that others make come in. SDK, gateway, OpenTelemetry: all end here."""
