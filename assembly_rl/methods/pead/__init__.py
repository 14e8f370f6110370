"""PEAD: progressive extension of the action dimension."""
