"""Templates: their list, an editor with previews, and sending one to try it."""
