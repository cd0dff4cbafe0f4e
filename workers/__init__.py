"""Temporal's side: the workflow of a run, the workers that carry it, the dispatcher."""
