"""Tuning searches fairly, goes on where it stopped, and leaves a controller that can be evaluated."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf

from assembly_rl.controllers.compliance import ComplianceLaw
from assembly_rl.envs import PegHole, PegInHoleEnv, TaskConfig
from assembly_rl.envs.config import RandomizationConfig
from assembly_rl.evaluation import Evaluator, Scenario
from assembly_rl.evaluation.candidates import ControllerConfig, baseline
from assembly_rl.runs import RunError
from assembly_rl.studies import tuning
from assembly_rl.studies.cells import TuningCell
from assembly_rl.studies.config import ComparedMethodConfig, ConditionConfig, StudyConfig
from assembly_rl.studies.expansion import expand
from assembly_rl.studies.run import cell_folder, is_done, run_cell
from assembly_rl.studies.tuning import PARAMETERS, controller_yaml, draw, tune

SQUARE = Scenario(PegHole("square"), TaskConfig())
L = Scenario(PegHole("L"), TaskConfig())
ROUNDS = [[3, 2], [2, 4]]


class Interrupted(Exception):
    pass


class CountingEvaluator(Evaluator):
    """One that stops after so many calls."""

    def __init__(self, calls: int) -> None:
        super().__init__(1)
        self.left = calls

    def evaluate(self, *arguments: object) -> list:
        if self.left == 0:
            raise Interrupted
        self.left -= 1
        return super().evaluate(*arguments)  # type: ignore[arg-type]


@pytest.fixture
def laws(monkeypatch: pytest.MonkeyPatch) -> list[tuple[TaskConfig, bool]]:
    """Tasks with the laws that are drawn, and the verdicts on them."""
    seen: list[tuple[TaskConfig, bool]] = []
    real = tuning.is_stable

    def is_stable(law: ComplianceLaw, task: TaskConfig) -> bool:
        seen.append((task, real(law, task)))
        return seen[-1][1]

    monkeypatch.setattr(tuning, "is_stable", is_stable)
    return seen


def test_a_law_is_drawn_again_exactly_if_the_environment_refuses_it(
    laws: list[tuple[TaskConfig, bool]],
) -> None:
    rng = np.random.default_rng(1)
    softened = replace(SQUARE.task, randomization=RandomizationConfig(gains=[0.9, 1.0]))
    for _ in range(3):
        draw("fixed", [SQUARE, Scenario(PegHole("square"), softened)], rng)
    assert {stable for _, stable in laws} == {True, False}
    for task, stable in laws:
        if stable:
            PegInHoleEnv(SQUARE.part, task).close()
        else:
            with pytest.raises(ValueError, match="unstable against contact"):
                PegInHoleEnv(SQUARE.part, task)


def test_another_error_of_a_candidate_is_no_verdict_on_its_law(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise ValueError("the table is unstable")

    monkeypatch.setattr(tuning, "baseline", refuse)
    with pytest.raises(ValueError, match="the table is unstable"):
        draw("fixed", [SQUARE], np.random.default_rng(0))


@pytest.mark.parametrize("guidance", PARAMETERS)
def test_candidates_are_stable_in_contact_and_differ(guidance: str) -> None:
    rng = np.random.default_rng(0)
    candidates = [draw(guidance, [SQUARE], rng) for _ in range(5)]
    assert len({str(candidate) for candidate in candidates}) == 5
    for candidate in candidates:
        assert candidate.compliance.check_contact
        PegInHoleEnv(SQUARE.part, baseline("", candidate, SQUARE.task).task).close()  # accepts its law
        assert set(candidate.parameters) == set(PARAMETERS[guidance])


def test_an_interrupted_search_goes_on_with_the_same_result(tmp_path: Path) -> None:
    with Evaluator(1) as evaluator:
        best = tune(tmp_path, "reflex", [SQUARE, L], ROUNDS, evaluator)
    whole = (tmp_path / "trials.csv").read_bytes()
    assert whole.count(b"\n") == 1 + 3 + 2
    home = tmp_path / "cut"
    home.mkdir()
    with CountingEvaluator(5) as evaluator, pytest.raises(Interrupted):
        tune(home, "reflex", [SQUARE, L], ROUNDS, evaluator)
    assert (home / "trials.csv").read_bytes().count(b"\n") == 1 + 2
    with CountingEvaluator(2 * 3) as evaluator:  # 3 candidates are left, on 2 parts
        assert tune(home, "reflex", [SQUARE, L], ROUNDS, evaluator) == best
    assert (home / "trials.csv").read_bytes() == whole
    with Evaluator(1) as evaluator, pytest.raises(RunError, match="is of another search"):
        tune(home, "dither", [SQUARE, L], ROUNDS, evaluator)
    assert (home / "trials.csv").read_bytes() == whole


def test_the_best_of_each_round_go_on(tmp_path: Path) -> None:
    with Evaluator(1) as evaluator:
        best = tune(tmp_path, "dither", [SQUARE], [[6, 3], [2, 4], [1, 5]], evaluator)
    lines = (tmp_path / "trials.csv").read_text().splitlines()[1:]
    rows = [line.split(",", 5)[:5] for line in lines]
    rounds = [[row for row in rows if row[1] == number] for number in "012"]
    assert [len(of) for of in rounds] == [6, 2, 1]
    for earlier, later in zip(rounds[:-1], rounds[1:], strict=True):
        ranked = sorted(earlier, key=lambda row: (float(row[3]), float(row[4])), reverse=True)
        assert [row[2] for row in later] == [row[2] for row in ranked[: len(later)]]
    rng = np.random.default_rng(0)
    assert best == [draw("dither", [SQUARE], rng) for _ in range(6)][int(rounds[2][0][2])]


def test_a_cell_leaves_a_controller_for_the_command_line(tmp_path: Path) -> None:
    study = StudyConfig(
        "Which parameters?",
        {"reflex": ComparedMethodConfig(tune="reflex")},
        {"rough": ConditionConfig(geometries=["square", "L"])},
        episodes=2,
        rounds=[[2, 2]],
    )
    (cell,) = expand(study)
    assert isinstance(cell, TuningCell) and cell.condition == "rough, 2 parts"
    run_cell(tmp_path, cell)
    assert is_done(tmp_path, cell)
    home = cell_folder(tmp_path, cell)
    assert (home / "held_out.csv").read_text().count("\n") == 1 + 2 * 2
    text = (home / "reflex_rough.yaml").read_text()
    assert "# Candidates x episodes: 2 x 2" in text and "schema@reflex_rough" in text
    values = OmegaConf.create(text).reflex_rough
    merged = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(ControllerConfig), values))
    assert controller_yaml("reflex_rough", merged, []) in text  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"methods": {"m": ComparedMethodConfig(tune="spiral")}}, "unknown guidance 'spiral'"),
        ({"rounds": [[4, 3]]}, "3 episodes of a round cannot be spread over 2 parts"),
        ({"rounds": []}, "rounds are pairs"),
        ({"rounds": [[4]]}, r"rounds are pairs .* got \[\[4\]\]"),
        ({"rounds": [[4, 0]]}, "rounds are pairs"),
        ({"rounds": [[2, 2], [4, 2]]}, r"more candidates than the one before: \[2, 4\]"),
    ],
)
def test_refusals(changes: dict, message: str) -> None:
    values = {
        "question": "",
        "methods": {"m": ComparedMethodConfig(tune="reflex")},
        "conditions": {"default": ConditionConfig(geometries=["square", "L"])},
    }
    with pytest.raises(ValueError, match=message):
        expand(StudyConfig(**(values | changes)))
