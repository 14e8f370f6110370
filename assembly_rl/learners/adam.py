"""Adam over one flat tensor, which shares its state with the optimizer of the parameters."""

import torch

from assembly_rl.accelerators.distributed import average
from assembly_rl.controllers.validation import InputError
from assembly_rl.learners.networks import Flat


class Adam:
    """Adam for all parameters of a ``Flat``, numerically equal to ``torch.optim.Adam``.

    Args:
        optimizer: ``torch.optim.Adam`` of the parameters; its state becomes views of this one's, so that it
            is saved and loaded as usual.
        flat: Parameters, in any order.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, flat: Flat) -> None:
        (group,) = optimizer.param_groups
        if group["weight_decay"] or group["amsgrad"] or group["maximize"]:
            raise InputError("the learner's Adam has no weight decay, no amsgrad and does not maximise")
        self.beta1, self.beta2 = group["betas"]
        self.epsilon = group["eps"]
        self.flat = flat
        self.mean = torch.zeros_like(flat.values)
        self.square = torch.zeros_like(flat.values)
        self.step_count = torch.zeros((), device=flat.values.device)
        self._fused = flat.values.device.type in ("cpu", "cuda")  # elsewhere it goes through the CPU
        start = flat.values.data_ptr()
        for parameter in group["params"]:
            first = (parameter.data_ptr() - start) // parameter.element_size()
            places = slice(first, first + parameter.numel())
            state = optimizer.state[parameter]
            for name, whole in (("exp_avg", self.mean), ("exp_avg_sq", self.square)):
                view = whole[places].view_as(parameter)
                if name in state:
                    view.copy_(state[name])
                state[name] = view
            if "step" in state:
                self.step_count.copy_(state["step"])
            state["step"] = self.step_count

    def step(self, learning_rate: float) -> None:
        """Update the parameters from their gradients."""
        flat = self.flat
        average(flat.gradients)
        self.step_count += 1
        if self._fused:
            torch._fused_adam_(
                [flat.values], [flat.gradients], [self.mean], [self.square], [], [self.step_count],
                lr=learning_rate, beta1=self.beta1, beta2=self.beta2, weight_decay=0.0, eps=self.epsilon,
                amsgrad=False, maximize=False,
            )  # fmt: skip
            return
        self.mean.lerp_(flat.gradients, 1.0 - self.beta1)
        self.square.mul_(self.beta2).addcmul_(flat.gradients, flat.gradients, value=1.0 - self.beta2)
        size = learning_rate / (1.0 - self.beta1**self.step_count)
        root = (1.0 - self.beta2**self.step_count).sqrt()
        flat.values.sub_(self.mean / (self.square.sqrt() / root + self.epsilon) * size)
