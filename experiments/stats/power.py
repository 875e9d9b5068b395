"""Planning: units needed for an effect, the effect that so many units can show, and the power they have for it.

Every design is a ``Spread``: the standard error of the difference is null(D)/sqrt(n) when there is no effect and
real(D)/sqrt(n) when there is one, so n = ((z_a null(D) + z_b real(D)) / D)².
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from scipy import optimize, stats

WATCHED_FACTOR = 2.4
"""Units that an always-valid reading needs for the power of a single one (about 1.55² in width)."""
LARGEST = 1e9
TINY = 1e-300
SMALLEST_FACTOR = 0.01
"""No pilot shows that a value from before says everything: this much is left to find out at least."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Standard deviations of the difference per unit, without and with an effect of the given size.

    ``units`` says what is counted: rows, items, or users per variant. ``largest_effect`` is the end of the scale.
    """

    null: Callable[[float], float]
    real: Callable[[float], float]
    units: str = "rows"
    largest_effect: float = math.inf


@dataclass(frozen=True, slots=True)
class Error:
    """Two-sided alpha and power, after sharing them; ``factor`` multiplies the units (clusters, watching, CUPED)."""

    alpha: float = 0.05
    power: float = 0.8
    factor: float = 1.0

    @property
    def z_alpha(self) -> float:
        """Normal quantile of the two-sided error."""
        return float(stats.norm.ppf(1 - self.alpha / 2))

    @property
    def z_power(self) -> float:
        """Normal quantile of the power."""
        return float(stats.norm.ppf(self.power))

    def shared(self, *, challengers: int = 1, guardrails: int = 0) -> Error:
        """Alpha over the challengers, and the chance to miss over the guardrails, which must all hold.

        Source: Schultzberg, Ankargren & Frånberg (2024), arXiv 2402.11609, section 4 (power of a decision rule).
        """
        power = 1 - (1 - self.power) / max(1, guardrails)
        return Error(self.alpha / max(1, challengers), power, self.factor)

    def times(self, factor: float) -> Error:
        """The same with the units multiplied once more."""
        return Error(self.alpha, self.power, self.factor * factor)


def units_needed(spread: Spread, effect: float, error: Error) -> float:
    """Units for the effect, not yet rounded up; infinite when the effect is beyond the scale.

    Source: Chow, Shao & Wang (2008), Sample Size Calculations in Clinical Research, chapters 3 and 4.
    """
    if effect <= 0:
        return math.inf
    reach = error.z_alpha * spread.null(effect) + error.z_power * spread.real(effect)
    return error.factor * (reach / effect) ** 2


def power_at(spread: Spread, units: float, effect: float, error: Error) -> float:
    """Chance that so many units show an effect of this size.

    Source: as ``units_needed``, solved for the power.
    """
    real = spread.real(effect)
    if real <= 0:
        return 1.0
    distance = effect * math.sqrt(units / error.factor) - error.z_alpha * spread.null(effect)
    return float(stats.norm.cdf(distance / real))


def detectable_effect(spread: Spread, units: float, error: Error) -> float | None:
    """The smallest effect that so many units show with the power asked for; None when not even the largest one.

    0 where nothing varies, so that any effect shows.

    Source: as ``units_needed``, solved for the effect.
    """
    top = min(spread.largest_effect, LARGEST)
    if units <= 0 or units_needed(spread, top, error) > units:
        return None
    low = 1e-9 * min(1.0, top)
    if units_needed(spread, low, error) <= units:
        return 0.0

    def excess(effect: float) -> float:
        return math.log(max(units_needed(spread, effect, error), TINY) / units)

    return float(optimize.brentq(excess, low, top, xtol=1e-12))


# --- one spread per design -------------------------------------------------------------------------------------


def paired_repeats(
    between_rows: float, within_control: float, within_treatment: float, *, repeats: int, repeats_treatment: int = 0
) -> Spread:
    """Graded values on the same rows: n = z² (omega² + s_A²/K_A + s_B²/K_B)/D², rows. Arguments are variances.

    ``between_rows`` is that of the true differences; with the variance of the observed ones the others are 0.

    Source: Miller (2024), arXiv 2411.00640, eq. 9.
    """
    inner = within_control / repeats + within_treatment / (repeats_treatment or repeats)
    return _constant(math.sqrt(between_rows + inner), "rows")


def paired_yes_no(disagreement: float) -> Spread:
    """Yes and no on the same rows; ``disagreement`` is the share of rows on which the variants differ.

    n = [z_a sqrt(pi) + z_b sqrt(pi − D²)]²/D².

    Source: Connor (1987), Biometrics 43, 207–211, eq. 3.
    """
    return Spread(
        null=lambda _: math.sqrt(disagreement),
        real=lambda d: math.sqrt(max(0.0, disagreement - d * d)),
        units="rows",
        largest_effect=disagreement,
    )


def independent_yes_no(rate: float) -> Spread:
    """Yes and no of different users, ``rate`` being the control's; users per variant.

    n = [z_a sqrt(2 p(1 − p)) + z_b sqrt(p(1 − p) + (p + D)(1 − p − D))]²/D².

    Source: Evan Miller's sample size calculator (2013); Fleiss, Levin & Paik (2003), section 4.2, with p for the mean.
    """
    return Spread(
        null=lambda _: math.sqrt(2 * rate * (1 - rate)),
        real=lambda d: math.sqrt(rate * (1 - rate) + max(0.0, (rate + d) * (1 - rate - d))),
        units="users per variant",
        largest_effect=max(1e-9, 1 - rate),
    )


def independent_score(sd: float) -> Spread:
    """Values of different users: n = 2 z² s²/D² users per variant.

    Source: Chow, Shao & Wang (2008), eq. 3.2.3.
    """
    return _constant(math.sqrt(2) * sd, "users per variant")


def independent_ratio(sd_of_residuals: float, mean_requests: float) -> Spread:
    """Ratio of totals over users: s is the spread of y − R n over the mean of n; users per variant.

    Source: Deng, Knoblich & Lu (2018), KDD, section 3.1.
    """
    return independent_score(sd_of_residuals / mean_requests)


def preference(tie_share: float) -> Spread:
    """Votes on pairs: n = z² (1 − tie share)/net², items; the effect is the net preference.

    Source: Noether (1987), J. Am. Stat. Assoc. 82, on the sign test, with ties as zeros.
    """
    return Spread(
        null=lambda _: math.sqrt(1 - tie_share),
        real=lambda _: math.sqrt(1 - tie_share),
        units="items",
        largest_effect=1 - tie_share,
    )


def from_standard_error(standard_error: float, units: float, *, counted: str = "rows") -> Spread:
    """Any estimate whose error in a pilot of so many units is known, such as a percentile from its bootstrap.

    Source: errors shrink with the root of the units.
    """
    return _constant(standard_error * math.sqrt(units), counted)


def design_effect(cluster_size: float, correlation: float, *, size_variation: float = 0.0) -> float:
    """Units times this when they come in clusters: 1 + (m (1 + CV²) − 1) ICC, never below 1.

    Source: Eldridge, Ashby & Kerry (2006), Int. J. Epidemiol. 35, eq. 3.
    """
    return max(1.0, 1 + (cluster_size * (1 + size_variation**2) - 1) * max(0.0, correlation))


def split_factor(ratio: float) -> float:
    """Total units times this when traffic is split ``ratio`` : 1 instead of evenly: (1 + r)²/(4 r)."""
    return (1 + ratio) ** 2 / (4 * ratio)


def covariate_factor(correlation: float) -> float:
    """Units times this when a value from before is adjusted for: 1 − r², but never less than a hundredth.

    Source: Deng, Xu, Kohavi & Walker (2013), WSDM, eq. 5.
    """
    return max(SMALLEST_FACTOR, 1 - correlation**2)


def _constant(sd: float, units: str) -> Spread:
    return Spread(null=lambda _: sd, real=lambda _: sd, units=units)
