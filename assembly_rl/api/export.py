"""Export of a trained controller for a robot program."""

from pathlib import Path
from typing import Any

from assembly_rl.api.run import Run
from assembly_rl.deployment.export import ExportedController, export_run


def export(run: Run | str | Path, output: str | Path | None = None, **options: Any) -> ExportedController:
    """Export the best policy of a run as a bundle for a robot program; see ``deployment.export.export_run``.

    Args:
        run: Run.
        output: New folder of the export; by default ``export`` in the run's.
        **options: Further arguments of ``export_run``, such as ``episodes`` and ``tool_mass``.
    """
    return export_run(run.path if isinstance(run, Run) else run, output, **options)
