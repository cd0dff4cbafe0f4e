"""Push messages: to apps and browsers."""
