"""LCRL, local connection reinforcement learning: selection of each action component's state components."""
