"""Weighted logistic regression by damped Newton steps, for many bootstrap draws at once.

Maximises, in every draw d, sum_i w_di log P(y_i | eta_i) with eta_i = offset_i + theta_d . columns_i. Each draw starts
from the fit to the pooled weights, so two or three steps are left. The likelihood is concave. A step that ends short of
the maximum along its line has raised it; one that went past and did not lower the gradient either is halved. Plain
Newton diverges when saturated probabilities make the curvature vanish.

The caller makes sure that a maximum exists; a draw that has not converged within `MAX_STEPS` is NaN.
"""

import numpy as np
from jaxtyping import Float

from wardround.metrics.inputs import PerStay

MAX_STEPS = 100
LONGEST_STEP = 4.0  # from 0, in logits; the further out, the longer. Beyond it the curvature says nothing
NEAR = 1e-3  # is enough of where the others begin
STEP_TOLERANCE = 1e-7  # Newton is quadratic: the error left is about its square


def fit_logistic(
    labels: PerStay,
    columns: Float[np.ndarray, "stay column"],
    offset: PerStay,
    weights: Float[np.ndarray, "draw stay"],
) -> Float[np.ndarray, "draw column"]:
    """Coefficients of every draw, NaN where Newton did not converge.

    Args:
        labels: zeros and ones.
        columns: the regressors, of order one; a column of ones is the intercept.
        offset: part of the logit that is held fixed.
        weights: counts of the stays in each draw, checked, with a finite maximum of the likelihood in every draw.

    Raises nothing: its callers have checked the input.
    """
    products = (columns[:, :, None] * columns[:, None, :]).reshape(len(columns), -1)
    start = np.zeros((1, columns.shape[1]))
    if len(weights) > 1:
        pooled = _fit(labels, columns, products, offset, weights.sum(axis=0, keepdims=True), start, NEAR)
        start = np.nan_to_num(pooled)
    return _fit(labels, columns, products, offset, weights, start)


def _fit(
    labels: PerStay,
    columns: Float[np.ndarray, "stay column"],
    products: Float[np.ndarray, "stay columns"],
    offset: PerStay,
    weights: Float[np.ndarray, "draw stay"],
    start: Float[np.ndarray, "1 column"],
    tolerance: float = STEP_TOLERANCE,
) -> Float[np.ndarray, "draw column"]:
    """Coefficients of every draw, from where all begin."""
    n_draws = len(weights)
    theta = np.broadcast_to(start, (n_draws, columns.shape[1])).copy()
    step, before = np.zeros_like(theta), np.full(n_draws, np.inf)
    active = np.arange(n_draws, dtype=np.int64)
    for _ in range(MAX_STEPS):
        drawn = weights if active.size == n_draws else weights[active]
        gradient, curvature = _derivatives(labels, columns, products, offset, drawn, theta[active])
        size = np.linalg.norm(gradient, axis=-1)
        passed = (gradient * step[active]).sum(axis=-1) < 0
        too_far = passed & (size > 0.9 * before[active])
        newton = (np.linalg.pinv(curvature, hermitian=True) @ gradient[..., None])[..., 0]
        longest = LONGEST_STEP + np.linalg.norm(theta[active], axis=-1, keepdims=True)
        newton *= longest / np.maximum(np.linalg.norm(newton, axis=-1, keepdims=True), longest)
        theta[active] += np.where(too_far[:, None], -step[active] / 2, newton)  # back to the middle, or on
        step[active] = np.where(too_far[:, None], step[active] / 2, newton)
        before[active] = np.where(too_far, before[active], size)
        moving = np.abs(step[active]).max(axis=-1) > tolerance * (1 + np.abs(theta[active]).max(axis=-1))
        active = active[moving | ~curvature.any(axis=(1, 2))]  # without curvature there is no step, yet no maximum
        if active.size == 0:
            break
    theta[active] = np.nan
    return theta


def _derivatives(
    labels: PerStay,
    columns: Float[np.ndarray, "stay column"],
    products: Float[np.ndarray, "stay columns"],
    offset: PerStay,
    weights: Float[np.ndarray, "draw stay"],
    theta: Float[np.ndarray, "draw column"],
) -> tuple[Float[np.ndarray, "draw column"], Float[np.ndarray, "draw column column"]]:
    """Gradient and negative Hessian of the log likelihood; in place where arrays are "draw stay": they are large."""
    if len(theta) > 1 and (theta == theta[0]).all():  # as all draws begin: one row of probabilities serves them all
        probs = _logistic(theta[:1] @ columns.T, offset)[0]
        gradient = weights @ ((labels - probs)[:, None] * columns)
        curvature = weights @ ((probs * (1 - probs))[:, None] * products)
        return gradient, curvature.reshape(*theta.shape, -1)
    probs = _logistic(theta @ columns.T, offset)
    weighted = np.subtract(labels, probs)
    weighted *= weights
    gradient = weighted @ columns
    np.subtract(1, probs, out=weighted)
    weighted *= probs
    weighted *= weights
    return gradient, (weighted @ products).reshape(*theta.shape, -1)


def _logistic(logit: Float[np.ndarray, "draw stay"], offset: PerStay) -> Float[np.ndarray, "draw stay"]:
    """(1 + tanh((offset + logit) / 2)) / 2, free of overflow, in the place of `logit`."""
    logit += offset
    logit /= 2
    np.tanh(logit, out=logit)
    logit += 1
    logit /= 2
    return logit
