"""What Temporal has done for a run: advance it, and carry a message to its channel."""
