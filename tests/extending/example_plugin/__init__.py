"""A plug-in: an engine, a robot, an observation term, a task, a method and an algorithm."""
