"""Robots that hold the tool: a floating one, or an arm."""
