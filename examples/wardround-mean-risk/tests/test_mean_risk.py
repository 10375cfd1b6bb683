"""The method fulfils what every method must."""

from wardround.testing import check_method
from wardround_mean_risk import METHOD


def test_it_fits():
    check_method(METHOD)
