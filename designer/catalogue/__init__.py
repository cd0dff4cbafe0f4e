"""What the shop sells, where, and what was bought."""
