"""The web: pages for people, and the interface for programs."""
