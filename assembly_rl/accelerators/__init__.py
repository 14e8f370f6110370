"""Devices: which one to train on, and learning at its full speed."""
