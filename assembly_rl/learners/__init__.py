"""Learners: algorithms, their hyperparameters, fast updates, and access to the layers of a policy."""
