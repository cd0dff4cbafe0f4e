"""The reader's own account: her name, language and password, and where she is logged in."""
