"""Run directories: the files of a training, and its exact continuation after a stop.

All data on disk is JSON, CSV or safetensors; nothing is unpickled.
"""

from assembly_rl.runs.checkpoint import load_checkpoint, load_policy, save_checkpoint, save_policy
from assembly_rl.runs.checkpointer import Checkpointer, learn_until
from assembly_rl.runs.directory import RunDirectory
from assembly_rl.runs.files import RunError
from assembly_rl.runs.folders import FolderTaken, first_unused, folder_name
from assembly_rl.runs.resume import resume_run
from assembly_rl.runs.rows import RowLog, read_rows

__all__ = [
    "Checkpointer",
    "FolderTaken",
    "RowLog",
    "RunDirectory",
    "RunError",
    "first_unused",
    "folder_name",
    "learn_until",
    "load_checkpoint",
    "load_policy",
    "read_rows",
    "resume_run",
    "save_checkpoint",
    "save_policy",
]
