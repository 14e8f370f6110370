"""Log of the training episodes."""

from collections.abc import Sequence
from typing import Any

from stable_baselines3.common.logger import Logger

from assembly_rl.runs import RowLog, RunDirectory
from assembly_rl.training.progress import TrainingProgress

COLUMNS = ("environment", "success", "result", "reward", "length", "time")


class EpisodeLog:
    """Log with a row for each training episode, and the means of its reward terms for TensorBoard.

    Args:
        run: Directory of the run.
        progress: Display that counts the episodes.
    """

    def __init__(self, run: RunDirectory, progress: TrainingProgress) -> None:
        self.rows = RowLog(run.episodes, COLUMNS, progress.show)
        self._progress = progress

    def add(self, step: int, infos: Sequence[dict[str, Any]], logger: Logger) -> None:
        """Record a step of all environments.

        Args:
            step: Policy steps so far.
            infos: Info of each environment.
            logger: Logger of the model.
        """
        for index, info in enumerate(infos):
            for term, value in info["reward_terms"].items():
                logger.record_mean(f"reward/{term}", value)
            if "result" in info:
                self._progress.count_episode(info["is_success"])
                logger.record_mean("rollout/depth", info["depth"])
                self.rows.append(step, _row(index, info))


def _row(index: int, info: dict[str, Any]) -> dict[str, Any]:
    return {
        "environment": index,
        "success": int(info["is_success"]),
        "result": info["result"],
        "reward": info["episode"]["r"],
        "length": info["episode"]["l"],
        "time": info["time"],
    }
