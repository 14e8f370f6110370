"""Programs that run a bundle, a tutorial, and part files: ``python -m assembly_rl.examples.<name>``."""
