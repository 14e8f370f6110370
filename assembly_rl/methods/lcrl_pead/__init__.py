"""LCRL with PEAD: grouped action components share hidden units and inputs."""
