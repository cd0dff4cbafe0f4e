"""The command `parcours`, and what runs the parts of the product together."""
