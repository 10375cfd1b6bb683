"""What the recording of codes tells, worked by hand."""

import numpy as np

from wardround.batches.recording_summaries import RECORDING, recording_summaries


def test_two_stays_and_two_codes_by_hand():
    """Stay 0 at 10 h has code 1 at 1 h, 4 h and 9 h; stay 1 at 2 h has code 0 an hour before admission."""
    made = recording_summaries(
        np.asarray([0, 0, 0, 1]),
        np.asarray([1, 1, 1, 0]),
        np.asarray([240, 60, 540, -60]),
        np.asarray([600.0, 120.0]),
        2,
    )
    assert RECORDING == ("count", "since_first_h", "since_last_h")
    assert made[0, :, 1].tolist() == [3, 9, 1]
    assert made[1, :, 0].tolist() == [1, 3, 3]
    for stay, code in ((0, 0), (1, 1)):
        assert made[stay, 0, code] == 0
        assert np.isnan(made[stay, 1:, code]).all()


def test_no_items_and_no_codes():
    none = np.empty(0, np.int64)
    assert recording_summaries(none, none, none, np.asarray([60.0]), 0).shape == (1, 3, 0)
    assert recording_summaries(none, none, none, np.asarray([60.0]), 1)[0, 0].tolist() == [0]
