"""Subject ids."""

from wardround.sources.subjects import subject_number

WRITTEN_DOWN = [
    9_081_956_893_943_714_603,
    2_299_689_533_100_629_330,
    6_083_078_290_623_349_036,
    668_734_720_220_713_052,
]


def test_subject_numbers_are_the_same_for_ever():
    """Written down: a new release must not move a patient to another side of a split."""
    keys = ("patient:002-1", "patient:002-3", "stay:2", "hospital stay:102")
    assert [subject_number(key) for key in keys] == WRITTEN_DOWN
    numbers = {subject_number(f"patient:{n}") for n in range(10_000)}
    assert len(numbers) == 10_000
    assert min(numbers) >= 0
    assert max(numbers) < 2**63
