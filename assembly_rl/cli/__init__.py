"""Commands: one module for each, thin shells around the Python API."""
