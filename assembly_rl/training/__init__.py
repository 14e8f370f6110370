"""Training: its configuration, the interface of learning methods, and the phases of a run."""
