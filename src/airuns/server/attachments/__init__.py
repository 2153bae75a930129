"""Files that go with messages: stored, shown, and sent to models."""
