"""What is happening in the shop right now."""
