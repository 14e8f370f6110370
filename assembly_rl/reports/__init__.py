"""Pictures, videos and tables of episodes and trainings."""
