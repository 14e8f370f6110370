"""assembly-rl-export: export a run's controller as a bundle, ONNX file and page for the robot engineer."""

from omegaconf import DictConfig

from assembly_rl.cli.command import command, console
from assembly_rl.cli.config import ExportConfig
from assembly_rl.configuration.composition import checked
from assembly_rl.deployment.export import export_run
from assembly_rl.reports.progress import progress_bar


def _job(values: DictConfig) -> None:
    config = checked(values, ExportConfig)
    output = console()
    with progress_bar(output) as bar:
        row = bar.add_task("insertions with training stack and bundle", total=None)
        options = vars(config) | {"compliance": config.compliance.changes()}
        exported = export_run(**options, progress=lambda: bar.advance(row))
    output.print(
        f"{exported.successes} of {exported.episodes} insertions succeed with the bundle, "
        f"{exported.trained_successes} with the training stack; largest difference of an action over "
        f"{exported.steps} steps: {exported.action_difference:.1g}"
    )
    for note in exported.notes:
        output.print(note, highlight=False, markup=False)
    output.print(f"policy.onnx: {exported.onnx}", markup=False)
    output.print(f"for Ascend: {exported.atc}", markup=False)
    for path in sorted(exported.folder.iterdir()):
        output.print(f"  {path}", markup=False)


def main() -> None:
    """Run the command."""
    command("export", _job)


if __name__ == "__main__":
    main()
