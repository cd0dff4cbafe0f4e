"""A journey drawn as a tree of steps, with live counters."""
