"""Choice of a controller's setting by a forecast in the model and a few insertions on the target."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from assembly_rl.deployment.reconfiguration import AS_IT_IS, Setting
from assembly_rl.deployment.trials import TrainedController
from assembly_rl.evaluation import (
    MISSED,
    OPEN,
    REACHED,
    SequentialTest,
    Summary,
    mcnemar,
    summarize,
)
from assembly_rl.evaluation.episodes import Row

SIGNIFICANT = 0.05
"""Largest p-value of McNemar's test at which a forecast tells two settings apart."""


@dataclass
class Arm:
    """Setting with its forecast, and its insertions on the target.

    Attributes:
        setting: Setting.
        controller: Controller that acts in it.
        forecast: Rows of its episodes in the model; the same seeds for all settings.
        rows: Rows of its insertions.
    """

    setting: Setting
    controller: TrainedController
    forecast: list[Row]
    rows: list[Row] = field(default_factory=list)

    @property
    def summary(self) -> Summary:
        """Statistics of the forecast."""
        return summarize(self.forecast)

    @property
    def successes(self) -> int:
        """Number of insertions that succeeded."""
        return sum(bool(row["success"]) for row in self.rows)

    @property
    def estimate(self) -> float:
        """Share of successes among the episodes of the forecast and the insertions, which count alike.

        Where the model is too kind, it is too kind for all settings: their insertions tell them apart less
        than their number suggests.
        """
        count = len(self.forecast)
        return (count * self.summary.success + self.successes) / (count + len(self.rows))


@dataclass(frozen=True)
class Choice:
    """Choice of a setting.

    Attributes:
        arms: All settings, "as it is" first.
        kept: Setting that is kept.
        decision: Result of the sequential test of that setting.
        insertions: Number of insertions that were used.
        verdict: Result in words.
    """

    arms: list[Arm]
    kept: Arm
    decision: str
    insertions: int
    verdict: str


def choose(
    arms: Sequence[Arm], test: SequentialTest, budget: int, insert: Callable[[Arm, int], Row]
) -> Choice:
    """Choose a setting within a budget of insertions.

    The setting with the best forecast is inserted until the sequential test decides, or can no longer pass
    within the budget; then, with what is left, the next best one whose forecast does not exclude the test's
    lower rate by its interval. "As it is" comes first, and alone, if its forecast reaches the level. It takes
    turns with the best one where McNemar's test cannot tell their forecasts apart. The setting that passed is
    kept; without one, that with the best estimate from forecast and insertions, and "as it is" among equals.

    Args:
        arms: Settings with their forecasts, "as it is" first; their insertions are added.
        test: Test of the success on the target.
        budget: Largest number of insertions.
        insert: Function of a setting and the number of the insertion that inserts once; its row.
    """
    order = _order(arms, test)
    used, ended = 0, dict[str, str]()
    for arm in _turns(order, ended):
        if used and test.decision(arm.successes, len(arm.rows), budget - used) == OPEN:
            ended[arm.setting.name] = OPEN  # what is left is too little for it
            continue
        arm.rows.append(insert(arm, used))
        used += 1
        decision = test.decision(arm.successes, len(arm.rows), budget - used)
        if decision is not None:
            ended[arm.setting.name] = decision
        if decision == REACHED:
            break
    passed = [arm for arm in arms if ended.get(arm.setting.name) == REACHED]
    kept = passed[0] if passed else max(arms, key=lambda arm: arm.estimate)
    decision = ended.get(kept.setting.name, OPEN)
    return Choice(list(arms), kept, decision, used, _verdict(kept, decision, test, used))


def _order(arms: Sequence[Arm], test: SequentialTest) -> list[list[Arm]]:
    """Return groups of settings that are inserted one group after the other; those of a group take turns."""
    as_it_is, *_ = arms
    if as_it_is.summary.success >= test.level:
        return [[as_it_is]]
    best, *others = sorted(arms, key=lambda arm: -arm.summary.success)
    first = [best]
    if best is not as_it_is and mcnemar(as_it_is.forecast, best.forecast).p >= SIGNIFICANT:
        first.append(as_it_is)
    likely = [arm for arm in others if arm.summary.interval[1] >= test.lower]
    return [first, *([arm] for arm in likely if all(arm is not one for one in first))]


def _turns(order: Sequence[Sequence[Arm]], ended: dict[str, str]) -> Iterator[Arm]:
    """Yield the setting of each next insertion, without those whose test has ended."""
    for group in order:
        while left := [arm for arm in group if arm.setting.name not in ended]:
            yield min(left, key=lambda arm: len(arm.rows))


def _verdict(kept: Arm, decision: str, test: SequentialTest, used: int) -> str:
    count = f"{kept.successes} of {len(kept.rows)} insertions"
    level = f"the level of {100 * test.level:g} %"
    if decision == REACHED:
        return (
            f"{level} is reached: {count}, with a confidence of {100 * test.confidence:g} % not "
            f"{100 * test.lower:g} % or less; {used} insertions used"
        )
    if decision == MISSED:
        return f"{level} is missed: {count}, {used} insertions used"
    if not kept.rows:
        return (
            f"{level} is not decided: {used} insertions used in other settings, which promise less with them "
            "than this one by its forecast; more insertions can decide it"
        )
    return f"{level} is not decided: {count}, {used} insertions used; more insertions can decide it"


def is_changed(choice: Choice) -> bool:
    """Return True if another setting than "as it is" is kept."""
    return choice.kept.setting.name != AS_IT_IS
