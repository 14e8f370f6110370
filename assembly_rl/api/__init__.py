"""Python API: training, evaluation, transfer, deployment and export from a program or a notebook.

The functions use the same configuration as the commands, print nothing unless ``progress`` asks for it, and
raise exceptions: ``ValueError`` (``RunError``, ``DeviceError`` and ``BundleError`` are such) for input that
cannot be used, with a message of what, which value and what to do; ``TrainingInterrupted``, a
``KeyboardInterrupt``, where Ctrl-C or SIGTERM stopped a training after it had saved.
"""

from assembly_rl.api.configuration import make_config
from assembly_rl.api.deploy import deploy
from assembly_rl.api.evaluation import Evaluation, evaluate, make_env
from assembly_rl.api.export import export
from assembly_rl.api.policy import Policy, load, load_model
from assembly_rl.api.run import Run, open_run, train
from assembly_rl.api.transfer import transfer
from assembly_rl.deployment.deploy import Deployment
from assembly_rl.deployment.export import ExportedController
from assembly_rl.methods.transfer.workflow import TransferResult
from assembly_rl.training.trainer import TrainingInterrupted

__all__ = [
    "Deployment",
    "Evaluation",
    "ExportedController",
    "Policy",
    "Run",
    "TrainingInterrupted",
    "TransferResult",
    "deploy",
    "evaluate",
    "export",
    "load",
    "load_model",
    "make_config",
    "make_env",
    "open_run",
    "train",
    "transfer",
]
