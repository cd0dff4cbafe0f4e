"""What the built-in outbox would have sent, shown as an inbox."""
