"""Walking a customer through a journey: who she is, what was chosen so far, and where it leads."""
