"""Workflow definitions. They import the standard library, temporalio and activities.contracts."""
