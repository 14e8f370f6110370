"""Entry points of the commands: help, version and completion at once, the rest after the imports it needs."""

import os
import sys
from functools import partial
from importlib import import_module

from assembly_rl.cli.completion import quick_completion
from assembly_rl.cli.help import quick_answer


def run(name: str, module: str = "") -> None:
    """Run the command ``assembly-rl-<name>``.

    Args:
        name: Last part of the command's name.
        module: Name of its module beside this one, if it is another one.
    """
    command, arguments = f"assembly-rl-{name}", sys.argv[1:]
    answer = quick_answer(command, arguments)
    if answer is None:
        line = os.environ.get("COMP_LINE", "")
        answer = quick_completion(command, arguments, line[: int(os.environ.get("COMP_POINT", len(line)))])
    if answer is None:
        import_module(f"assembly_rl.cli.{module or name}").main()
    else:
        print(answer)


benchmark = partial(run, "benchmark")
deploy = partial(run, "deploy")
design = partial(run, "design")
evaluate = partial(run, "eval", "evaluate")
export = partial(run, "export")
graph = partial(run, "graph")
identify = partial(run, "identify")
part = partial(run, "part")
plan = partial(run, "plan")
replay = partial(run, "replay")
train = partial(run, "train")
transfer = partial(run, "transfer")
