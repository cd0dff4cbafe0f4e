"""The servers a new machine lacks, PostgreSQL and Temporal, run as children of `parcours up`."""
