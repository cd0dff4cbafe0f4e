"""The customers behind a journey's figures: the list, its export, and what is done with them."""
