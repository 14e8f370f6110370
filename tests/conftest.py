"""Property tests draw the same examples in every run, and new ones with --hypothesis-profile=fresh.

Each worker of pytest-xdist has a core of its own: what it tests then starts one evaluation process, not one
for every core, and the workers do not disturb each other.
What libraries leave in the folder for temporary files, as stable-baselines3 and torchrun do, is with what the
tests leave, of which pytest keeps the last three runs.
"""

import os
import tempfile

import pytest
from hypothesis import settings

settings.register_profile("fixed", derandomize=True, deadline=None)
settings.register_profile("fresh", derandomize=False, deadline=None)
settings.load_profile("fixed")

worker = os.environ.get("PYTEST_XDIST_WORKER", "")
if worker.startswith("gw") and hasattr(os, "sched_setaffinity"):
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[int(worker[2:]) % len(cores)]})


@pytest.fixture(scope="session", autouse=True)
def temporary_files(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ["TMPDIR"] = tempfile.tempdir = str(tmp_path_factory.mktemp("t"))
