"""The one legend of dimension names: every tensor in a signature is written with these words.

==============  =====================================================================================
``stay``        ICU stays of a batch
``event``       events of a stay in time order, right-padded
``hour``        columns of an hourly grid, right-padded
``position``    steps of a sequence; of a decoder: event_1, [PREDICT], event_2, [PREDICT], ...
``modality``    modalities in the order of the model's encoders
``pair``        unordered pairs of modalities: (0, 1), (0, 2), ..., (1, 2), ...
``feature``     input columns of a modality
``code``        inputs that are there or not: categories, diagnoses, drugs
``number``      numbers of a modality's row, each summary of a variable one
``coded``       inputs of an encoder's first layer: a row of features with the codes of its numbers
``rest``        inputs of a row after its numbers: which of them were observed, and codes
``bin``         bins of the quantile encoding of a number
``bin_edge``    edges of those bins, one more than bins
``embed``       width of a modality embedding, shared by all modalities
``hidden``      width inside a block, an LSTM or a decoder
``frequency``   periods of the time encoding, half of hidden
``label``       outputs of a head: 1 for mortality, 25 for phenotypes
``token``       tokens of a row of notes, 0 the padding at its end
``colour``      three, equal of a grey picture
``side``        height and width of a picture as it is kept
``pixel``       height and width of a picture as a network sees it
``row``         rows of a table without the structure of a batch: training rows that a number encoding is fitted on
``*batch``      any leading dimensions, also none: stay, or stay event
``*label``      label where a head has several outputs; no dimension where it has one
``*answer``     ``*batch`` and then ``*label``: what a head says
==============  =====================================================================================

A name that comes twice in a signature is the same size twice: the tests check it.
"""

from typing import Final

DIMENSIONS: Final = frozenset(
    {
        "stay",
        "event",
        "hour",
        "position",
        "modality",
        "pair",
        "feature",
        "code",
        "number",
        "coded",
        "rest",
        "bin",
        "bin_edge",
        "embed",
        "hidden",
        "frequency",
        "label",
        "token",
        "colour",
        "side",
        "pixel",
        "row",
        "*batch",
        "*label",
        "*answer",
    }
)
"""The names of the table above; a test holds the annotations of the package to it."""
