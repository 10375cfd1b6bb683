"""The processes of one training: one, or N that a launcher started with the same command.

    torchrun --nproc_per_node 2 -m wardround train ...
    accelerate launch --num_processes 2 -m wardround train ...     (and --cpu on a machine without a GPU)

Each process makes the same batches and learns from its own stays of each. Gradients are averaged so that a step is that
of one process to rounding: a mean over stays is weighted by how many each process has; of a loss over the stays of a
batch together (contrastive), what it needs of each stay is gathered with its gradient, so that the negatives run over
the whole batch. Dropout is drawn by each process for itself, so with dropout the runs agree in distribution. The first
process alone writes and speaks. Nothing is sent but tensors of numbers.
"""

import contextlib
import os
from collections.abc import Generator, Iterable, Mapping, Sequence
from datetime import timedelta
from importlib.util import find_spec
from typing import Any, Final, cast

import torch
from torch import Tensor, distributed, nn

from wardround.batches.documents import DOCUMENTS
from wardround.errors import UsageError
from wardround.launcher import launched_processes
from wardround.train.memory_layout import laid_out_as

PATIENCE = timedelta(hours=12)
"""How long a process waits for the others, which may build the lines of a large DATA folder; where one has died, the
launcher ends the rest at once."""


YES: Final = ("1", "on", "t", "true", "y", "yes")
"""What accelerate takes for a yes."""


@contextlib.contextmanager
def first_process_first() -> Generator[None]:
    """Let the first process go through the block alone, so that the others find in a cache what it made.

    Where it fails the others go on too: they meet the same, or the launcher ends them.
    """
    processes = Processes()
    if processes.count > 1 and processes.rank > 0:
        distributed.barrier()
    try:
        yield
    finally:
        if processes.count > 1 and processes.rank == 0:
            distributed.barrier()


def first_where_documents(modalities: Iterable[str]) -> contextlib.AbstractContextManager[None]:
    """`first_process_first` where one of the modalities is of notes or pictures, whose tokens and pixels go to a cache;
    of numbers and codes each process makes its own, at the same time."""
    return contextlib.nullcontext() if set(DOCUMENTS).isdisjoint(modalities) else first_process_first()


class Processes:
    """This process among those of the training.

    Attributes:
        count, rank: how many, and which.
        device: where this one computes.

    Raises:
        UsageError: where several were launched and accelerate is not installed, or they do not find each other: they
            would train one by one.
    """

    count: int
    rank: int
    device: torch.device

    def __init__(self) -> None:
        launched = launched_processes()
        told_cpu = os.environ.get("ACCELERATE_USE_CPU", "").lower() in YES
        if launched == 1:
            found = None if told_cpu else torch.accelerator.current_accelerator(check_available=True)
            self.count, self.rank, self.device = 1, 0, found or torch.device("cpu")
            return
        if find_spec("accelerate") is None:
            raise UsageError(
                f"a training by {launched} processes needs accelerate: pip install 'wardround[processes]'. "
                "Or start one process without a launcher."
            )
        from accelerate import PartialState  # late: an extra, and slow to import

        # accelerate joins processes without a GPU only where it is told that they have none
        state = PartialState(cpu=told_cpu or not torch.cuda.is_available(), timeout=PATIENCE)
        self.count, self.rank, self.device = state.num_processes, state.process_index, cast(Any, state).device
        if self.count != launched:
            raise UsageError(
                f"{launched} processes were launched, and this one sees {self.count}. Launch with `accelerate launch` "
                "or `torchrun`, or start one process without a launcher."
            )

    def wait(self) -> None:
        """Go on when all are here."""
        if self.count > 1:
            distributed.barrier()

    def any(self, flag: bool) -> bool:
        """Whether it is so in any process."""
        if self.count == 1:
            return flag
        flags = torch.tensor([int(flag)], device=self.device)
        distributed.all_reduce(flags, distributed.ReduceOp.MAX)
        return bool(flags.item())

    def as_first(self, values: Mapping[str, float]) -> dict[str, float]:
        """The values of the first process, so that all decide alike; every process has the same names."""
        if self.count == 1:
            return dict(values)
        numbers = torch.tensor([values[name] for name in sorted(values)], dtype=torch.float64, device=self.device)
        distributed.broadcast(numbers, src=0)
        return dict(zip(sorted(values), map(float, numbers.cpu()), strict=True))

    def share_weights(self, tensors: Sequence[Tensor]) -> None:
        """Give every process the first one's weights."""
        for tensor in tensors if self.count > 1 else ():
            distributed.broadcast(tensor, src=0)

    def seed_step(self, seed: int, step: int) -> None:
        """Draw anew for each step, in each process otherwise: no state of a generator has to be kept by any."""
        if self.count > 1:
            torch.manual_seed((seed * 1_000_003 + step) * self.count + self.rank)

    def loss(self, model: nn.Module, batch: Any) -> tuple[Tensor, dict[str, Tensor]]:
        """This process's part of the loss of a batch: the average over processes is that of the batch.

        Args:
            model: with `loss(batch)`, a mean over stays; or with `per_stay(batch)`, tensors with a row a stay, and
                `loss_of(*tensors)` over all stays together.
            batch: on the CPU; has a length and `part(begin, end)`.
        """
        model_: Any = model
        if self.count == 1:
            return model_.loss(batch.to(self.device))
        edges = [len(batch) * rank // self.count for rank in range(self.count + 1)]
        begin, end = edges[self.rank], edges[self.rank + 1]
        if hasattr(model, "per_stay"):
            own = model_.per_stay(batch.part(begin, end).to(self.device))
            return model_.loss_of(*(self._gathered(tensor, begin, len(batch)) for tensor in own))
        # with fewer stays than processes, some learn from a stay that counts nothing: all have the same graph
        loss, reported = model_.loss(batch.part(begin, max(end, begin + 1)).to(self.device))
        weight = (end - begin) * self.count / len(batch)
        return loss * weight, {name: value * weight for name, value in reported.items()}

    def _gathered(self, own: Tensor, begin: int, stays: int) -> Tensor:
        """The rows of all processes; gradients go back to the own ones alone, `count` times, for they are averaged."""
        summed = own.dtype if own.is_floating_point() else torch.int64  # a mask has no sum of its own
        whole = torch.zeros((stays, *own.shape[1:]), dtype=summed, device=own.device)
        whole[begin : begin + len(own)] = own.detach().to(whole.dtype)
        distributed.all_reduce(whole)
        whole = whole.to(own.dtype)
        if not own.requires_grad:
            return whole
        mine = own.detach() + self.count * (own - own.detach())
        return torch.cat([whole[:begin], mine, whole[begin + len(own) :]])

    def average(self, reported: Mapping[str, Tensor]) -> dict[str, float]:
        """Values of the step, over all processes."""
        if self.count == 1:
            return {name: value.item() for name, value in reported.items()}
        names = sorted(reported)
        values = torch.stack([reported[name].detach().double() for name in names])
        distributed.all_reduce(values)
        return dict(zip(names, map(float, (values / self.count).cpu()), strict=True))

    def average_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Make every gradient the average over processes; a parameter that has none in any keeps none."""
        if self.count == 1:
            return
        has = torch.tensor([int(p.grad is not None) for p in parameters], device=self.device)
        distributed.all_reduce(has, distributed.ReduceOp.MAX)
        learning = [p for p, any_has in zip(parameters, has.cpu(), strict=True) if any_has]
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in learning]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        distributed.all_reduce(flat)
        parts = torch.split(flat / self.count, [p.numel() for p in learning])
        for parameter, part in zip(learning, parts, strict=True):
            parameter.grad = laid_out_as(parameter, part.view_as(parameter))
