import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from wardround.metrics.ranks import mid_ranks


def test_example_with_ties_and_weights():
    values = np.array([3.0, 1.0, 3.0, 2.0])
    assert mid_ranks(values, np.ones(4)).tolist() == [3.0, 0.5, 3.0, 1.5]
    # 1.0 three times, 2.0 never: ranks 1.5; both 3.0 together weigh 2 + 1 above a weight of 3
    assert mid_ranks(values, np.array([[2.0, 3.0, 1.0, 0.0]])).tolist() == [[4.5, 1.5, 4.5, 3.0]]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 4)), min_size=1, max_size=30))
def test_an_integer_weight_is_that_many_rows(rows):
    values, counts = np.array(rows, dtype=float).T
    repeated = np.repeat(values, counts.astype(int))
    found = np.repeat(mid_ranks(values, counts), counts.astype(int))
    np.testing.assert_array_equal(found, rankdata(repeated) - 0.5 if repeated.size else repeated)
