"""Property tests draw the same examples in every run, and new ones with --hypothesis-profile=fresh."""

from hypothesis import settings

settings.register_profile("fixed", derandomize=True, deadline=None)
settings.register_profile("fresh", derandomize=False, deadline=None)
settings.load_profile("fixed")
