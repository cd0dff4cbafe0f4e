"""A journey's document in an editor, with its checks beside it, and publishing."""
