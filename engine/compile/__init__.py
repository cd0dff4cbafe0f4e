"""From a journey's document to the plan that the machine carries out."""
