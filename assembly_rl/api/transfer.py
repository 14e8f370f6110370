"""Transfer of a trained controller to a new part."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from assembly_rl.api.configuration import Progress, console_of, geometry_config
from assembly_rl.api.run import Run
from assembly_rl.envs.library import Part, Task, make_task
from assembly_rl.methods.transfer.config import TransferConfig
from assembly_rl.methods.transfer.workflow import (
    TransferResult,
    begin_transfer,
    choose_source,
    finish_transfer,
    honouring,
)
from assembly_rl.methods.transfer.workflow_config import TransferWorkflowConfig
from assembly_rl.runs import folder_name
from assembly_rl.training.config import EvaluationConfig


def transfer(
    source: Run | str | Path | Sequence[Run | str | Path],
    part: Part,
    task: Task | None = None,
    *,
    steps: int = 1000,
    seed: int = 0,
    compare: bool = False,
    config: TransferConfig | None = None,
    evaluation: EvaluationConfig | None = None,
    run_dir: str | Path | None = None,
    progress: Progress = False,
    processes: int | None = None,
) -> TransferResult:
    """Transfer a trained controller to a new part: probe, reconfigure, distil, fine-tune, compare.

    Args:
        source: Run to start from; of several the one whose contact is most like the new part's.
        part: New part.
        task: Conditions; by default the task ``default``.
        steps: Policy steps of distillation and fine-tuning.
        seed: Seed of all random generators of the training.
        compare: Train the variants as well that the transfer is compared with.
        config: Configuration of the transfer.
        evaluation: Validations, and episodes of the comparisons; by default those of the
            command ``assembly-rl-transfer``.
        run_dir: New folder of the transfer; by default a new one under runs/.
        progress: Show progress and results: True, or a console of rich.
        processes: Worker processes of the evaluations; by default one for each core.

    Raises:
        ValueError: Source, part, task or configuration cannot be used.
        TrainingInterrupted: A signal ended a training; ``assembly-rl-transfer resume=<dir>`` goes on.
    """
    sources = [source] if isinstance(source, Run | str | Path) else source
    paths = [str(of.path if isinstance(of, Run) else of) for of in sources]
    conditions, preset = make_task("default" if task is None else task)
    workflow = TransferWorkflowConfig(
        source=paths,
        geometry=geometry_config(part, preset),
        task=conditions,
        transfer=config or TransferConfig(),
        steps=steps,
        seed=seed,
        compare=compare,
        processes=processes,
    )
    if evaluation is not None:
        workflow = replace(workflow, evaluation=evaluation)
    console = console_of(progress)
    chosen = choose_source(paths, workflow.geometry.part(), conditions, console)
    workflow = honouring(workflow, chosen, console)
    label = f"{chosen.run.path.name}-to-{folder_name(workflow.geometry.label)}"
    folder = begin_transfer(workflow, Path(run_dir) if run_dir else None, label, chosen, console)
    return finish_transfer(folder, console)
