"""Ratings that were published with their agreement, imported as files and analysed to the end.

Krippendorff, K. (2011). Computing Krippendorff's alpha-reliability. University of Pennsylvania, section C: four
observers, twelve units, gaps; nominal alpha 0.743, ordinal 0.815, interval 0.849.

Fleiss, J. L. (1971). Measuring nominal scale agreement among many raters. Psychological Bulletin 76, 378–382, as the
worked example of Wikipedia's article "Fleiss' kappa": ten subjects, fourteen raters, five categories, kappa 0.210.
"""

import csv
import io
import json

import pytest

from experiments.actions.datasets.import_outputs import import_outputs
from experiments.actions.results.analyse import fresh_analysis
from experiments.loading.find import find_experiment
from experiments.loading.results.evidence_table import human_labels
from experiments.results.table_analysis import analyse_table
from experiments.stats.kappas import fleiss_kappa
from experiments.views.results.exports import export_rows
from storage.store import Store
from tests.builders import ADA

KRIPPENDORFF = {
    "A": [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    "B": [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    "C": [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    "D": [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
}
FLEISS = [
    [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
]  # fmt: skip


def _file(cells) -> bytes:
    """A CSV of (unit, variant, rater, value); unit and variant make one output."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(["example_id", "variant", "output", "rater_id", "rating:quality"])
    for unit, variant, rater, value in cells:
        writer.writerow([unit, variant, f"answer of {variant} to {unit}", rater, value])
    return file.getvalue().encode()


def _krippendorff(shift: int = 0):
    """The published matrix as ratings of two variants: even units are A's answers, odd ones B's."""
    for rater, row in KRIPPENDORFF.items():
        for unit, value in enumerate(row):
            if value is not None:
                yield f"u{unit // 2}", "AB"[unit % 2], rater, value + shift


def test_krippendorffs_matrix_comes_out_as_published(store: Store):
    done = import_outputs(store, _file(_krippendorff()), filename="ratings.csv", experiment="reliability", actor=ADA)
    assert done.outputs == 12
    result = fresh_analysis(store, "reliability").result
    [agreement] = result["agreement"]
    assert (agreement["level"], agreement["raters"], agreement["items"]) == ("ordinal", 4, 11)
    assert agreement["alpha"] == pytest.approx(0.815, abs=0.0005)
    assert agreement["lower"] < 0.815 < agreement["upper"]
    with store.read() as tx:
        labels = human_labels(tx, find_experiment(tx, "reliability"))
    assert len(labels) == 41
    assert sorted(labels["rater_id"].unique()) == ["A", "B", "C", "D"]


def test_what_is_exported_gives_the_same_agreement_again(store: Store):
    import_outputs(store, _file(_krippendorff()), filename="ratings.csv", experiment="reliability", actor=ADA)
    _, rows = export_rows(store, "reliability", "analysis")
    table = "\n".join(json.dumps(dict(row)) for row in rows).encode()
    plan = """
design: paired
control: A
plan: {primary: {metric: quality, smallest_effect: 0.5}}
metrics: {quality: {kind: ordinal}}
"""
    found = analyse_table(table, filename="table.jsonl", plan_text=plan, plan_name="plan.yaml")
    [again], [first] = found["agreement"], fresh_analysis(store, "reliability").result["agreement"]
    for name in ("alpha", "raw", "level", "raters", "items"):  # the limits come from resampling with another seed
        assert again[name] == first[name]
    nominal = analyse_table(
        table, filename="table.jsonl", plan_text=plan.replace("ordinal", "score"), plan_name="plan.yaml"
    )
    assert nominal["agreement"][0]["alpha"] == pytest.approx(0.849, abs=0.0005)


def test_ratings_exported_and_imported_again_are_the_same(store: Store):
    import_outputs(store, _file(_krippendorff()), filename="ratings.csv", experiment="once", actor=ADA)
    _, rows = export_rows(store, "once", "ratings")
    cells = [(row["example_id"], row["variant"], row["rater_id"], row["value"]) for row in rows]
    assert len(cells) == 41
    import_outputs(store, _file(cells), filename="again.csv", experiment="twice", actor=ADA)
    assert fresh_analysis(store, "twice").result["agreement"] == fresh_analysis(store, "once").result["agreement"]


def test_fleiss_subjects_come_out_as_published(sqlite_store: Store):
    cells = []
    for subject, counts in enumerate(FLEISS):
        votes = [category for category, count in enumerate(counts, start=1) for _ in range(count)]
        assert len(votes) == 14
        cells += [(f"s{subject // 2}", "AB"[subject % 2], f"r{n}", value) for n, value in enumerate(votes)]
    import_outputs(sqlite_store, _file(cells), filename="fleiss.csv", experiment="fleiss", actor=ADA)
    with sqlite_store.read() as tx:
        labels = human_labels(tx, find_experiment(tx, "fleiss"))
    counted = labels.groupby(["unit_id", "variant", "value"]).size().unstack(fill_value=0)
    assert fleiss_kappa(counted.to_numpy(dtype=float)) == pytest.approx(0.210, abs=0.0005)
    [agreement] = fresh_analysis(sqlite_store, "fleiss").result["agreement"]
    assert (agreement["raters"], agreement["items"]) == (14, 10)
