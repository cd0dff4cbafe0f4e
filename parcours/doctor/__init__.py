"""What `parcours doctor` looks at: one module for each part, which returns findings."""
