"""Where the links in messages lead."""
