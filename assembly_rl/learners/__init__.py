"""Learners: algorithms, their hyperparameters, fast updates, and a view of the layers of a policy."""
