"""What a model is given, and all about it that is fitted on training stays: vocabulary and normaliser."""

from dataclasses import dataclass, field
from pathlib import Path

from wardround.batches.backbones import Bert, ResNet
from wardround.batches.content import ContentSettings
from wardround.batches.features import FeatureSettings, Vocabulary
from wardround.batches.normaliser import Normaliser, RowLayout
from wardround.batches.pictures import PictureSettings
from wardround.batches.tokens import NoteSettings
from wardround.events import IMAGES, TEXTS


@dataclass(frozen=True)
class InputSettings:
    """What a model is given.

    Attributes:
        modalities: names to take; empty takes all that the data has, but for published scores.
        features: which codes.
        content: what an event carries.
        text: how notes become tokens.
        image: how pictures become pixels.
    """

    modalities: tuple[str, ...] = ()
    features: FeatureSettings = field(default_factory=FeatureSettings)
    content: ContentSettings = field(default_factory=ContentSettings)
    text: NoteSettings = field(default_factory=NoteSettings)
    image: PictureSettings = field(default_factory=PictureSettings)


@dataclass(frozen=True)
class Featuriser:
    """Everything about the inputs that was fitted on training stays, with the settings it was fitted under.

    Attributes:
        settings, vocabulary, normaliser: what was fitted.
        bert: words and sizes of the one that `text.weights` names, taken into the run; None for hashed words.
        resnet: the sizes of the one that `image.weights` names; None for random weights.
    """

    settings: InputSettings
    vocabulary: Vocabulary
    normaliser: Normaliser
    bert: Bert | None = None
    resnet: ResNet | None = None

    @property
    def layout(self) -> dict[str, RowLayout]:
        """Modality -> how the inputs of one event begin."""
        numbers, content = self.vocabulary.numbers, self.settings.content
        return {m: RowLayout(len(content.summaries_of(m)), len(numbers[m])) for m in self.vocabulary.modalities}

    @property
    def widths(self) -> dict[str, int]:
        """Modality -> number of inputs of one event."""
        return {m: self._width(m, layout) for m, layout in self.layout.items()}

    def _width(self, modality: str, layout: RowLayout) -> int:
        if modality in TEXTS:
            return self.settings.text.tokens
        if modality in IMAGES:
            return self.settings.image.side**2
        return layout.values + layout.numbers + len(self.vocabulary.presences[modality])

    def save(self, run: Path) -> None:
        """Write `vocabulary/` and `normaliser/` of a RUN folder. Raises `StorageError`."""
        self.vocabulary.save(run / "vocabulary")
        self.normaliser.save(run / "normaliser")
        if self.bert is not None:
            self.bert.save(run / "vocabulary")
        if self.resnet is not None:
            self.resnet.save(run / "vocabulary")

    @classmethod
    def load(cls, run: Path, settings: InputSettings) -> "Featuriser":
        """Read what `save` wrote. Raises `RunError`."""
        vocabulary = Vocabulary.load(run / "vocabulary")
        content = settings.content
        shapes = {m: (len(content.summaries_of(m)), len(vocabulary.numbers[m])) for m in vocabulary.modalities}
        normaliser = Normaliser.load(run / "normaliser", shapes)
        return cls(
            settings,
            vocabulary,
            normaliser,
            Bert.load(run / "vocabulary") if settings.text.weights else None,
            ResNet.load(run / "vocabulary") if settings.image.weights else None,
        )
