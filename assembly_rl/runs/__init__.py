"""Run directories: what a training leaves behind, and how it goes on exactly where it was stopped.

Everything on disk is JSON, CSV or safetensors; nothing is ever unpickled.
"""

from assembly_rl.runs.checkpoint import load_checkpoint, load_policy, save_checkpoint, save_policy
from assembly_rl.runs.checkpointer import Checkpointer, learn_until, shielded
from assembly_rl.runs.directory import RunDirectory, unused
from assembly_rl.runs.files import RunError
from assembly_rl.runs.rows import RowLog

__all__ = [
    "Checkpointer",
    "RowLog",
    "RunDirectory",
    "RunError",
    "learn_until",
    "load_checkpoint",
    "load_policy",
    "save_checkpoint",
    "save_policy",
    "shielded",
    "unused",
]
