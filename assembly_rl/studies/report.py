"""Report of a study: Markdown, pictures, and the rows behind them."""

import platform
import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from assembly_rl.evaluation.episodes import HIGH_FORCE, JAM_ADVANCE, JAM_TIME
from assembly_rl.evaluation.summary import wilson_interval
from assembly_rl.runs.files import write_bytes, writing
from assembly_rl.runs.folders import require_own_files
from assembly_rl.runs.lock import require_own
from assembly_rl.studies import scores
from assembly_rl.studies.config import StudyConfig
from assembly_rl.studies.digest import code_digest, versions
from assembly_rl.studies.pictures import (
    COLOURS,
    plot_intervals,
    plot_learning_curves,
    plot_performance_profile,
)
from assembly_rl.studies.results import CellResult, write_tables
from assembly_rl.studies.scores import RunsByMethod, all_runs
from assembly_rl.studies.statistics import Estimate

NOTES = f"""
- **Success** is the share of held-out episodes that end in success. The same episodes (initial pose, hole
  estimate, friction, noise) meet every method. An episode whose contact certificate fails (a contact
  penetrated by more than a third of the clearance) counts as a failure, and is counted. A training that
  died counts as success 0.
- **IQM**: interquartile mean over the runs of all conditions, with the 95 % percentile interval of a
  bootstrap that draws runs within their condition. A controller that does not learn has one run a
  condition, so no such interval.
- **Wilson**: 95 % interval over all episodes; it knows nothing of the spread between trainings.
- **Steps to**: environment steps until a validation is at the threshold for the first time; median of
  Kaplan and Meier, in which a run that did not get there is censored; ∞ where half of the runs did not.
- **Area**: mean height of the curve of validation success, from step 0 to the last.
- **P(better)**: the study's first method against each other one under the same algorithm, and each algorithm
  against the others: probability that a run of the first beats one of the second under the same condition
  (ties count half), with a stratified bootstrap interval; p by an exact rank test within conditions, after
  Holm over the column; a controller has no sample of runs to test.
- **Time** is the median of the successful episodes; forces and moments are medians over all episodes, of
  the magnitude at the tip after the sensor's filter. **Jammed**: without success, the tip below the rim,
  and its depth changed by less than {JAM_ADVANCE * 1e3:g} mm in the last {JAM_TIME:g} s.
"""


def write_report(
    name: str, study: StudyConfig, results: list[CellResult], stale: int, folder: Path, command: Sequence[str]
) -> tuple[Path, str]:
    """Write ``README.md``, its pictures and its rows into a folder, and replace existing ones.

    Args:
        name: Name of the study.
        study: Configuration of the study.
        results: Results of its cells.
        stale: Number of further cells from other code or another configuration.
        folder: Folder of the report.
        command: Command that ran the study.

    Returns:
        Markdown file, and its main table.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    require_own(folder)
    require_own_files(folder)
    with writing(folder):
        return _write(name, study, results, stale, folder, command)


def _write(
    name: str, study: StudyConfig, results: list[CellResult], stale: int, folder: Path, command: Sequence[str]
) -> tuple[Path, str]:
    write_tables(results, folder)
    methods = scores.by_method(results)
    fair = scores.shared_conditions(methods)
    text = [f"# {name}", study.question, _state(results, stale)]
    main = ""
    if fair:
        main = _overview(study, fair)
        text += ["## Result", _scope(fair, methods), main, *_pictures(study, fair, folder)]
        text += ["## Each condition", _conditions(fair)]
        text += _comparisons(study, fair)
        text += ["## Time, force and failures", _forces(fair)]
    text += [
        "## How it was measured",
        _protocol(study, results, command),
        "## What the words mean",
        NOTES.strip(),
    ]
    path = folder / "README.md"
    write_bytes(path, ("\n\n".join(text) + "\n").encode())
    return path, main


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _percent(value: float) -> str:
    return f"{100.0 * value:.1f} %"


def _share(successes: float, trials: int) -> str:
    low, high = wilson_interval(round(successes), trials)
    return f"{_percent(successes / trials)} ({100 * low:.1f} to {100 * high:.1f})"


def _estimate(estimate: Estimate, scale: float = 1.0, decimals: int = 2) -> str:
    value, low, high = ("∞" if np.isinf(number) else f"{scale * number:,.{decimals}f}" for number in estimate)
    return value if np.isnan(estimate.low) else f"{value} ({low} to {high})"


def _state(results: list[CellResult], stale: int) -> str:
    """Describe the state of the study, failures included."""
    done = sum(bool(result.episodes) for result in results)
    dead = [result for result in results if result.failure is not None]
    diverged = [result for result in results if result.diverged]
    invalid = {
        result.cell.name: int((~result.episodes["certificate_valid"]).sum())
        for result in results
        if result.episodes
    }
    failed = {name: count for name, count in invalid.items() if count}
    episodes = sum(len(result.episodes["success"]) for result in results if result.episodes)
    waiting = len(results) - done - len(dead)
    lines = [f"- cells: {len(results)}, done {done}, died {len(dead)}, still to be run {waiting}"]
    lines += [f"  - died: {result.cell.name}: `{result.failure}`" for result in dead]
    lines += [f"- trainings that diverged: {len(diverged)}"]
    lines += [
        f"  - diverged: {result.cell.name}: largest weight {result.largest_weight:.3g}" for result in diverged
    ]
    lines += [f"- contact certificates: {sum(failed.values())} of {episodes} episodes failed theirs"]
    lines += [f"  - {count} of {name}" for name, count in failed.items()]
    if stale:
        lines.append(f"- left out: {stale} cells of other code or another configuration")
    if waiting:
        lines.insert(0, "**Unfinished**: the numbers below are of the cells that have ended.\n")
    return "\n".join(lines)


def _scope(fair: RunsByMethod, methods: RunsByMethod) -> str:
    shared, known = len(next(iter(fair.values()))), len({key for runs in methods.values() for key in runs})
    if shared == known:
        return f"Over {shared} condition{'s' * (shared > 1)}:"
    return f"Over the {shared} of {known} conditions that all methods have met:"


def _overview(study: StudyConfig, methods: RunsByMethod) -> str:
    header = ["method", "runs", "success, IQM (95 %)", "success, all episodes (Wilson)", "time [s]"]
    header += [f"steps to {metric} {level:g}" for metric, level in study.thresholds.items()]
    header += ["area", "parameters", "wall-clock of a run"]
    rows = []
    for method, runs in methods.items():
        of_method = all_runs(runs)
        success, times = scores.pooled_episodes(of_method, "success"), scores.time_of_successes(of_method)
        row = [method, str(len(of_method)), _estimate(scores.interquartile(_success(runs)), 100.0, 1) + " %"]
        row += [_share(success.sum(), len(success)) if len(success) else "-"]
        row += [f"{np.median(times):.2f}" if len(times) else "-"]
        learns = of_method[0].cell.learns
        for metric, level in study.thresholds.items():
            row.append(_steps(runs, metric, level) if learns else "-")
        area = scores.score_runs(runs, scores.area) if learns else None
        row += [_estimate(scores.interquartile(area)) if area else "-"]
        row += [f"{max(run.parameters for run in of_method):,}" if learns else "-"]
        row += [_duration([run.seconds for run in of_method])]
        rows.append(row)
    return _table(header, rows)


def _steps(runs: scores.RunsByCondition, metric: str, level: float) -> str:
    estimate, reached = scores.steps_to(runs, metric, level)
    return f"{_estimate(estimate, decimals=0)}; {reached} of {len(all_runs(runs))} got there"


def _duration(seconds: list[float]) -> str:
    known = np.array(seconds)[np.isfinite(seconds)]
    if not len(known):
        return "-"
    median = np.median(known)
    return f"{median:.0f} s" if median < 90 else f"{median / 60:.1f} min"


def _success(runs: scores.RunsByCondition) -> scores.ScoresByCondition:
    return scores.score_runs(runs, scores.success)


def _conditions(methods: RunsByMethod) -> str:
    conditions = list(next(iter(methods.values())))
    rows = []
    for method, runs in methods.items():
        row = [method]
        for condition in conditions:
            success = scores.pooled_episodes(runs[condition], "success")
            times = scores.time_of_successes(runs[condition])
            text = _share(success.sum(), len(success)) if len(success) else "died"
            row.append(text + (f", {np.median(times):.2f} s" if len(times) else ""))
        rows.append(row)
    return "Success with its Wilson interval, and time.\n\n" + _table(["method", *conditions], rows)


def _pairs(methods: RunsByMethod) -> list[tuple[str, str]]:
    """Pair the study's first method, with each algorithm, with its other algorithms and all other methods.

    Methods that learn are compared under the same algorithm. Tests of all pairs of many methods would have
    too little power.
    """
    cells = {label: all_runs(runs)[0].cell for label, runs in methods.items()}
    algorithms = {label: cell.config.algo.name if cell.learns else None for label, cell in cells.items()}
    names = {label: label.removesuffix(f", {algorithms[label]}") for label in methods}
    first = [label for label in methods if names[label] == next(iter(names.values()))]
    pairs = [(a, b) for k, a in enumerate(first) for b in first[k + 1 :]]
    return pairs + [
        (reference, label)
        for reference in first
        for label in methods
        if label not in first and {None, algorithms[reference]} & {algorithms[label]}
    ]


def _comparisons(study: StudyConfig, methods: RunsByMethod) -> list[str]:
    """Compare methods by success, and methods that learn also by area."""
    if len(methods) < 2:
        return []
    pairs = _pairs(methods)
    by_success = scores.improvements({name: _success(runs) for name, runs in methods.items()}, pairs)
    learners = scores.learners(methods)
    areas = {name: scores.score_runs(runs, scores.area) for name, runs in learners.items()}
    by_area = scores.improvements(areas, [pair for pair in pairs if {*pair} <= {*areas}])
    rows = []
    for pair, (estimate, p) in by_success.items():
        row = [" > ".join(pair), _estimate(estimate), _p_value(p)]
        if by_area:
            row += (
                [_estimate(by_area[pair][0]), _p_value(by_area[pair][1])] if pair in by_area else ["-", "-"]
            )
        rows.append(row)
    header = ["pair", "P(better) in success", "p"] + (["P(better) in area", "p"] if by_area else [])
    return ["## Probability of improvement", _table(header, rows)]


def _p_value(p: float | None) -> str:
    if p is None:
        return "-"
    return f"{p:.3f}" if p >= 0.001 else "< 0.001"


def _forces(methods: RunsByMethod) -> str:
    header = ["method", "time [s]", "not inserted", "force, largest [N]", "force, 95th percentile [N]"]
    header += ["moment, largest [Nm]", "moment, 95th percentile [Nm]", "impulse [Ns]"]
    header += [f"share of time above {HIGH_FORCE:g} N", "jammed", "certificates failed"]
    rows = []
    for method, runs in methods.items():
        episodes = all_runs(runs)
        count = len(scores.pooled_episodes(episodes, "success"))
        if not count:
            continue
        results = [run.episodes["result"] for run in episodes if run.episodes]
        ends = Counter(np.concatenate(results).tolist())
        ends.pop("success", None)
        failures = ", ".join(f"{number} {end.replace('_', ' ')}" for end, number in ends.most_common())
        times = scores.time_of_successes(episodes)
        row = [method, f"{np.median(times):.2f}" if len(times) else "-", failures or "none"]
        for column, decimals in (
            ("peak_force", 1), ("force_p95", 1), ("peak_moment", 2), ("moment_p95", 2), ("impulse", 1)
        ):  # fmt: skip
            row.append(f"{np.median(scores.pooled_episodes(episodes, column)):.{decimals}f}")
        row.append(_percent(scores.pooled_episodes(episodes, "high_force").mean()))
        row.append(_share(scores.pooled_episodes(episodes, "jammed").sum(), count))
        row.append(f"{count - int(scores.pooled_episodes(episodes, 'certificate_valid').sum())} of {count}")
        rows.append(row)
    return _table(header, rows)


def _pictures(study: StudyConfig, methods: RunsByMethod, folder: Path) -> list[str]:
    """Draw pictures of all methods or, if they are too many, of one algorithm at a time."""
    text = []
    learners = scores.learners(methods)
    known = {name: _success(runs) for name, runs in methods.items() if name not in learners}
    levels = {name: {key: values.mean() for key, values in of.items()} for name, of in known.items()}
    for name, group in _groups(learners):
        for metric in ("success", "reward"):
            curves = {
                method: {key: scores.curve(of, metric) for key, of in runs.items()}
                for method, runs in group.items()
            }
            path = folder / f"curves_{metric}{name}.png"
            together = {} if metric != "success" or len(curves) + len(levels) > len(COLOURS) else levels
            plot_learning_curves(curves, f"validation {metric}", path, together)
            text.append(f"![Validation {metric} over environment steps]({path.name})")
    for name, group in _groups(methods):
        path = folder / f"profile{name}.png"
        of_runs = {method: _success(runs) for method, runs in group.items()}
        plot_performance_profile(of_runs, "success of a run", path)
        text.append(f"![Share of runs above each success rate]({path.name})")
    path = folder / "success.png"
    estimates = {name: scores.interquartile(_success(runs)) for name, runs in methods.items()}
    plot_intervals(estimates, "success, interquartile mean of runs", path)
    return [*text, f"![Interquartile mean of success]({path.name})"]


def _groups(methods: RunsByMethod) -> list[tuple[str, RunsByMethod]]:
    if len(methods) <= len(COLOURS):
        return [("", methods)] if methods else []
    groups: dict[str, RunsByMethod] = {}
    for method, runs in methods.items():
        cell = all_runs(runs)[0].cell
        key = f"_{cell.config.algo.name}" if cell.learns else "_controllers"
        groups.setdefault(key, {})[method] = runs
    return list(groups.items())


def _protocol(study: StudyConfig, results: list[CellResult], command: Sequence[str]) -> str:
    seconds = np.nansum([result.seconds for result in results])
    thresholds = ", ".join(f"{metric} {level:g}" for metric, level in study.thresholds.items())
    packages = ", ".join(f"{name} {version}" for name, version in versions().items())
    seeds = ", ".join(map(str, study.seeds))
    lines = [
        f"- command: `{shlex.join(command)}`",
        f"- {study.steps:,} environment steps a training, the same for all methods; every {study.every:,} a "
        f"validation of {study.validation} episodes, which also chooses the policy that is evaluated",
        f"- {study.episodes} held-out episodes for each run; training seeds {seeds}",
        f"- thresholds, fixed before the run: {thresholds}",
        f"- {seconds / 3600:.1f} hours of wall-clock, summed over the cells, each on one thread",
        f"- Python {platform.python_version()}, {packages}",
        f"- code {code_digest()[:10]} (hash of what makes results; part of every cell's name)",
        f"- rows: `episodes.parquet` (held out), `validations.parquet`; written {datetime.now(UTC):%Y-%m-%d}",
    ]
    return "\n".join(lines)
