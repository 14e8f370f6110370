"""Hydra configuration, packaged."""
