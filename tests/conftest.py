"""Property tests draw the same examples in every run, and new ones with --hypothesis-profile=fresh."""

from hypothesis import settings

settings.register_profile("fixed", derandomize=True)
settings.register_profile("fresh", derandomize=False)
settings.load_profile("fixed")
