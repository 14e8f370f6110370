"""Local connection reinforcement learning: which state components each action component has to see."""
