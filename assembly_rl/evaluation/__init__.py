"""Evaluation of controllers, learned or not, on fixed episodes."""

from assembly_rl.evaluation.episodes import (
    COMPARISON_SEED,
    FORECAST_SEED,
    HELD_OUT_SEED,
    VALIDATION_SEED,
    Evaluator,
    Scenario,
)
from assembly_rl.evaluation.policies import GuidedPolicy, LearnedPolicy, Policy
from assembly_rl.evaluation.sequential import MISSED, OPEN, REACHED, SequentialTest
from assembly_rl.evaluation.summary import (
    LEANS_ON_ENGINE,
    PairedComparison,
    Summary,
    best_validation,
    mcnemar,
    ranking_key,
    summarize,
    wilson_interval,
    worst_tenth,
)

__all__ = [
    "COMPARISON_SEED",
    "FORECAST_SEED",
    "HELD_OUT_SEED",
    "LEANS_ON_ENGINE",
    "MISSED",
    "OPEN",
    "REACHED",
    "VALIDATION_SEED",
    "Evaluator",
    "GuidedPolicy",
    "LearnedPolicy",
    "PairedComparison",
    "Policy",
    "Scenario",
    "SequentialTest",
    "Summary",
    "best_validation",
    "mcnemar",
    "ranking_key",
    "summarize",
    "wilson_interval",
    "worst_tenth",
]
