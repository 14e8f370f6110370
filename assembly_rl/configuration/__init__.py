"""Configuration of the commands: Hydra schemas, composition, and conversion from and to JSON."""
