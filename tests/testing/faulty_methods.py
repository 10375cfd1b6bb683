"""Methods with one fault each, and the requirement that must name it."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import torch
from torch import nn

from wardround.methods.registry import METHODS, Method
from wardround.methods.static import StaticModel, StaticSettings
from wardround.methods.target import Target
from wardround.methods.trajectory import Trajectory, TrajectorySettings
from wardround.models.decoder import DecoderSettings
from wardround.models.modality_encoder import EncoderSettings

ENCODER: Final = EncoderSettings(hidden=16, embed=8)


@dataclass(frozen=True)
class SmallStatic(StaticSettings):
    encoder: EncoderSettings = ENCODER
    hidden: int = 16


@dataclass(frozen=True)
class SmallTrajectory(TrajectorySettings):
    encoder: EncoderSettings = ENCODER
    decoder: DecoderSettings = field(
        default_factory=lambda: DecoderSettings(hidden=16, layers=1, heads=2, mlp_hidden=16, dropout=0.1)
    )


@dataclass
class Thawed:
    """A settings class that is not frozen."""

    positive_weight: float = 1.0
    batch_size: int = 64


@dataclass(frozen=True)
class Weightless:
    """Settings that do not say how deaths weigh."""

    batch_size: int = 64


@dataclass(frozen=True)
class Batchless:
    """Settings that do not say how large a batch is."""

    positive_weight: float = 1.0


class Sound(StaticModel):
    """What the faults below are planted in."""


class Logits(Sound):
    def predict(self, batch):
        return self.outputs(batch)


class NegativeHours(Sound):
    def predict(self, batch):
        said = super().predict(batch)
        return said if self.target.kind == "binary" else said - 100


class EndlessHours(Sound):
    """The inverse of log(1 + hours), of a number that is too large for it."""

    def predict(self, batch):
        said = super().predict(batch)
        return said if self.target.kind == "binary" else (said + 1000).exp()


class Doubles(Sound):
    def predict(self, batch):
        return super().predict(batch).double()


class Unseeded(Sound):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        with torch.no_grad():
            next(self.fusion.parameters()).add_(float(np.random.default_rng().normal()))


class Counts(Sound):
    """Its loss grows with a count that no checkpoint knows."""

    steps = 0

    def loss(self, batch):
        self.steps += 1
        loss, reported = super().loss(batch)
        return loss * (1 + self.steps), reported


class Deaf(Sound):
    """Reads nothing."""

    def outputs(self, batch):
        return self.start(batch.published) + 0 * super().outputs(batch).detach() + 2.5 + 0 * self.embedder.tokens.sum()


class NotANumber(Sound):
    """A mean over the modalities of a stay, of which some have none."""

    def outputs(self, batch):
        there = batch.observed.float()
        return super().outputs(batch) + 0 * (there.sum(dim=1) / there.sum(dim=1)).log()


class Unlearnable(Sound):
    """A mean over stays of which there are none."""

    def loss(self, batch):
        loss, reported = super().loss(batch)
        return loss + self.outputs(batch)[batch.label > 1].mean(), reported


class Restless(Sound):
    """Draws when it is asked."""

    def predict(self, batch):
        return self.target.prediction(self.outputs(batch) + 0.01 * torch.randn(len(batch)))


class Forgetful(Sound):
    """Learns something that its state_dict does not hold."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.shift = torch.zeros(1)

    def loss(self, batch):
        self.shift = torch.full((1,), 0.01)
        return super().loss(batch)

    def predict(self, batch):
        return self.target.prediction(self.outputs(batch) + self.shift)


class Crowd(Sound):
    """Compares a stay with the others of its batch."""

    def outputs(self, batch):
        made = super().outputs(batch)
        return made - 0.1 * made.mean()


class ReadsLabels(Sound):
    def predict(self, batch):
        return self.target.prediction(self.outputs(batch) + batch.label.nan_to_num(0))


class ReadsPatients(Sound):
    def predict(self, batch):
        return self.target.prediction(self.outputs(batch) + 0.01 * (batch.subject % 7))


class LearnsWithLabels(Sound):
    """Keys its dropout on the label."""

    def outputs(self, batch):
        made = super().outputs(batch)
        return made + 0.01 * batch.label.nan_to_num(0) if self.training else made


class Needs(Sound):
    """Cannot do without its first modality."""

    def predict(self, batch):
        if not batch.observed[:, 0].any():
            raise RuntimeError("there is nothing of the first modality")
        return super().predict(batch)


class Anticipates(Trajectory):
    """Adds what the whole line holds to every belief."""

    def beliefs(self, batch):
        outputs, real, hours = super().beliefs(batch)
        whole = (hours * real).sum(dim=1, keepdim=True) / real.sum(dim=1, keepdim=True).clamp(min=1)
        return outputs + 0.01 * whole, real, hours


class Another(StaticModel):
    """Not what `Method.model` names."""


def static(model: type[nn.Module], settings: type = SmallStatic, named: type[nn.Module] | None = None) -> Method:
    def build(_: Any, embedder: Any, task: Any, chosen: Any, start: float) -> nn.Module:
        return model(embedder, "mlp", Target(task.kind, chosen.positive_weight), chosen, start, 0.0)

    return Method("faulty", settings, named or model, build, "a method with a fault")


def sequence(model: type[nn.Module]) -> Method:
    def build(_: Any, embedder: Any, task: Any, chosen: Any, start: float) -> nn.Module:
        return model(embedder, Target(task.kind, chosen.positive_weight), chosen, start, task.falls, 0.0)

    return Method("faulty", SmallTrajectory, model, build, "a method with a fault")


SOUND: Final = {"static": static(Sound), "sequence": sequence(type("SoundLine", (Trajectory,), {}))}

FAULTS: Final[dict[str, tuple[Method, str]]] = {
    "settings are not frozen": (static(Sound, Thawed), "settings"),
    "no weight of deaths": (static(Sound, Weightless), "parts"),
    "no size of a batch": (static(Sound, Batchless), "parts"),
    "neither loss nor predict": (
        dataclasses.replace(METHODS["mlp"], name="faulty", model=type("Bare", (nn.Module,), {"shape": "static"})),
        "parts",
    ),
    "float64": (static(Doubles), "shapes"),
    "NaN where nothing is known": (static(NotANumber), "probabilities"),
    "logits": (static(Logits), "probabilities"),
    "hours below 0": (static(NegativeHours), "hours"),
    "hours without end": (static(EndlessHours), "hours"),
    "a loss over nothing": (static(Unlearnable), "trains"),
    "weights that are not seeded": (static(Unseeded), "same seed"),
    "a count on the side": (static(Counts), "resumes"),
    "another class than named": (static(Another, named=Sound), "resumes"),
    "reads nothing": (static(Deaf), "learns"),
    "cannot do without a modality": (static(Needs), "missing"),
    "draws when asked": (static(Restless), "repeats"),
    "not in the state_dict": (static(Forgetful), "saved"),
    "compares stays of a batch": (static(Crowd), "alone"),
    "peeks at later events": (sequence(Anticipates), "causal"),
    "reads the label": (static(ReadsLabels), "labels and ids"),
    "reads the patient's id": (static(ReadsPatients), "labels and ids"),
    "learns with the label": (static(LearnsWithLabels), "labels and ids"),
}
