"""Whether slices differ: found where planted, silent where the data cannot say, and said in the numbers beside it."""

import re

import numpy as np
import pandas as pd
import pytest

from tests.experiments.analysis_tables import normal_scores, plan, rows, run
from tests.experiments.sentence_reader import change_of

LANGUAGES = ("de", "en", "fr", "ja")


def _sliced(gains: dict[str, float], *, each: int = 60, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    language = [name for name in gains for _ in range(each)]
    a = rng.normal(0, 0.5, len(language))
    b = a + np.array([gains[name] for name in language]) + rng.normal(0, 0.5, len(language))
    return rows("score", {"A": a, "B": b}, language=language)


def _differences(table: pd.DataFrame, **more):
    analysis = run(table, plan("score"), slices=["language"], **more)
    return analysis, analysis.slice_differences


def test_a_gain_of_one_slice_only_is_said_with_both_ends():
    analysis, [found] = _differences(_sliced({"de": -0.4, "en": 0.1, "fr": 0.1, "ja": 0.6}))
    measured = {c.slice: c.estimate for c in analysis.comparisons if c.slice}

    assert found.differs
    assert found.adjusted_p_value <= 0.05
    ends = re.search(r"depends on language: from (\S+) \(de\) to (\S+) \(ja\)\.", found.sentence)
    assert ends is not None, found.sentence
    assert change_of(ends[1]).is_about(measured["language=de"])
    assert change_of(ends[2]).is_about(measured["language=ja"])
    assert list(found.pooled) == [f"language={name}" for name in LANGUAGES]
    overall = analysis.overall("score")[0].estimate
    for label, pooled in found.pooled.items():
        low, high = sorted((measured[label], overall))
        assert low - 0.02 <= pooled.estimate <= high + 0.02
        assert pooled.lower < pooled.estimate < pooled.upper


def test_equal_slices_are_not_said_to_differ_and_are_drawn_together():
    analysis, [found] = _differences(_sliced(dict.fromkeys(LANGUAGES, 0.2)))
    assert not found.differs
    assert "not shown to depend on language" in found.sentence
    assert f"in {max(1, round(100 * found.adjusted_p_value))} of 100" in found.sentence
    measured = [c.estimate for c in analysis.comparisons if c.slice]
    assert np.ptp([p.estimate for p in found.pooled.values()]) < np.ptp(measured)


def test_a_lower_is_better_metric_names_the_worse_end_first():
    table = _sliced({"de": -0.6, "en": 0.0, "fr": 0.0, "ja": 0.5})
    from dataclasses import replace

    from experiments.vocabulary import Direction
    from tests.experiments.analysis_tables import METRICS

    lower = {"score": replace(METRICS["score"], direction=Direction.LOWER)}
    _, [found] = _differences(table, metrics=lower)
    assert re.search(r"from \S+ \(ja\) to \S+ \(de\)", found.sentence), found.sentence


@pytest.mark.parametrize("looks", [(100,), ()])
def test_a_watched_result_has_no_such_test(looks):
    table = _sliced(dict.fromkeys(LANGUAGES, 0.2))
    watched = {"looks": looks} if looks else {}
    given = plan("score") if looks else plan("score", stopping="sequential")
    analysis = run(table, given, slices=["language"], **watched)
    assert analysis.sequential
    assert analysis.slice_differences == ()


def test_slices_that_share_clusters_have_no_such_test():
    table = _sliced(dict.fromkeys(LANGUAGES, 0.2))
    unit = table["unit_id"].str[1:].astype(int)
    shared = table.assign(cluster_id=[f"c{n % 40}" for n in unit])
    inside = table.assign(cluster_id=[f"c{n // 2}" for n in unit])
    assert _differences(shared)[1] == ()
    assert len(_differences(inside)[1]) == 1


def test_two_slices_are_tested_and_not_pooled_and_small_ones_are_left_out():
    [found] = _differences(_sliced({"de": 0.0, "en": 0.8}))[1]
    assert (found.differs, found.pooled, found.spread) == (True, {}, None)
    table = normal_scores(70)
    table["language"] = ["de" if int(u[1:]) < 15 else "en" for u in table["unit_id"]]
    assert _differences(table)[1] == ()


def test_pooled_rates_stay_within_what_a_rate_can_differ():
    rng = np.random.default_rng(3)
    language = [name for name in LANGUAGES for _ in range(90)]
    a = (rng.random(360) < 0.1).astype(float)
    b = (rng.random(360) < 0.93).astype(float)
    table = rows("correct", {"A": a, "B": b}, language=language)
    [found] = run(table, plan(), slices=["language"]).slice_differences
    assert all(p.lower >= -1 and p.upper <= 1 for p in found.pooled.values())
