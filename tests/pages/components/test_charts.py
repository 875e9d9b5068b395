"""Charts: every specification is valid vega-lite, holds every number that is told, and has words beside it."""

import json

import altair as alt
import pytest

from pages.components.charts import ForestPanel, ForestRow, PowerPoint, forest, power_curve, win_tie_loss

LONG = "a measure with a very long name, much too long for the side of a chart"


def _row(label="helpful", judgement="better", mark=3.0, ends=(4.2, 6.1, 8.0)):
    lower, estimate, upper = ends
    return ForestRow(label, estimate, lower, upper, judgement, mark, "+6.1 points (+4.2 to +8.0)", 300)


def _values(spec):
    found = []
    for layer in spec["layer"]:
        data = layer.get("data", spec.get("data", {}))
        found += data.get("values", [])
    return found or [value for rows in spec["datasets"].values() for value in rows]


SPECS = {
    "forest": lambda: forest(ForestPanel("points", (_row(), _row("cost", "worse", None, (-9.0, -3.0, 1.0))))),
    "forest of one point": lambda: forest(ForestPanel("%", (_row(ends=(0.0, 0.0, 0.0), mark=None),))),
    "forest with odd names": lambda: forest(ForestPanel("ms", (_row(LONG), _row("<b>'\"\\ ü"), _row("")))),
    "win tie loss": lambda: win_tie_loss(
        [("A better", 3, "#0072B2"), ("Tie", 90, "#8a929c"), ("B better", 7, "#A84A00")]
    ),
    "nobody won": lambda: win_tie_loss([]),
    "power": lambda: power_curve(
        [PowerPoint(50, None, 0.1, "$0.02"), PowerPoint(100, 9.1, 0.3, "$0.04"), PowerPoint(1000, 3.0, 0.9, "$0.40")],
        asked=3.0,
        unit="points",
        available=120,
    ),
}


@pytest.mark.parametrize("name", SPECS)
def test_a_specification_is_valid_and_plain_json(name):
    spec = SPECS[name]()

    alt.Chart.from_dict(spec, validate=True)
    assert json.loads(json.dumps(spec, allow_nan=False)) == spec


def test_a_forest_draws_every_row_in_its_order_with_zero_inside():
    spec = SPECS["forest"]()

    rows = [value for value in _values(spec) if "label" in value]
    assert [row["label"] for row in rows][:2] == ["helpful", "cost"]
    scale = spec["layer"][0]["encoding"]["x"]["scale"]
    low, high = scale["domain"]
    assert low < -9.0
    assert high > 8.0
    assert spec["layer"][1]["encoding"]["y"]["sort"] == ["helpful", "cost"]


def test_a_long_name_is_cut_on_the_axis_and_whole_in_the_tip():
    row = next(value for value in _values(forest(ForestPanel("ms", (_row(LONG),)))) if "label" in value)

    assert row["label"].endswith("…")
    assert row["whole"] == LONG


def test_colour_shape_and_words_say_the_same():
    layer = SPECS["forest"]()["layer"][3]["encoding"]

    assert layer["color"]["scale"]["domain"] == layer["shape"]["scale"]["domain"] == ["better", "unclear", "worse"]
    panel = ForestPanel("points", (_row(),))
    assert panel.alt == "helpful: better, +6.1 points (+4.2 to +8.0), 300 rows"


def test_the_bar_adds_up_and_small_parts_hold_no_number():
    parts = [value for value in _values(SPECS["win tie loss"]()) if "what" in value][:3]

    assert [(part["start"], part["end"]) for part in parts] == [(0, 3), (3, 93), (93, 100)]
    assert [part["shown"] for part in parts] == ["", "90", "7"]


def test_sizes_that_show_nothing_are_not_drawn_as_something():
    values = [value for value in _values(SPECS["power"]()) if "effect" in value]

    assert {value["rows"] for value in values} == {100, 1000}
