"""Entry points of the commands: help and version at once, anything else after the imports that it needs."""

import sys
from functools import partial
from importlib import import_module

from assembly_rl.cli.help import quick_answer


def run(name: str, module: str = "") -> None:
    """Run the command ``assembly-rl-<name>``.

    Args:
        name: Last part of the command's name.
        module: Name of its module beside this one, if it is another one.
    """
    answer = quick_answer(f"assembly-rl-{name}", sys.argv[1:])
    if answer is None:
        import_module(f"assembly_rl.cli.{module or name}").main()
    else:
        print(answer)


benchmark = partial(run, "benchmark")
deploy = partial(run, "deploy")
evaluate = partial(run, "eval", "evaluate")
export = partial(run, "export")
graph = partial(run, "graph")
part = partial(run, "part")
plan = partial(run, "plan")
replay = partial(run, "replay")
train = partial(run, "train")
transfer = partial(run, "transfer")
