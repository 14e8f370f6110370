"""Residual reinforcement learning: a policy whose actions are added to those of a hand-written controller."""
