import pytest

from experiments.errors import BakeoffError
from experiments.scoring import bind
from experiments.scoring.scorers.sql_valid import split_statements
from tests.experiments.scoring.scored import score, value


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("SELECT name FROM users WHERE id = ?;", 1.0),
        ("```sql\nSELECT 1\n```\nThis selects one.", 1.0),
        ("WITH a AS (SELECT 1 AS x) SELECT x, row_number() OVER (ORDER BY x) FROM a", 1.0),
        ("INSERT INTO t VALUES ('it''s; fine'); DELETE FROM t", 1.0),
        ("CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; SELECT 2; END;", 1.0),
        ("EXPLAIN QUERY PLAN SELECT 1", 1.0),
        ("ATTACH 'file' AS other", 1.0),
        ("SELECT 'größe' AS \"東京\"", 1.0),
        ("SELEC 1", 0.0),
        ("SELECT * FROM", 0.0),
        ("SELECT x::int FROM t", 0.0),
        ("SELECT 1; nonsense", 0.0),
        ("Here is your query: SELECT 1", 0.0),
        ("", 0.0),
        ("-- only a comment\n/* and one more */", 0.0),
        ("SELECT '\0'", 0.0),
        ("SELECT '\ud800'", 0.0),
        ("/* " * 10_000, 0.0),
    ],
)
def test_the_grammar_decides(output, expected):
    assert value("sql_valid", output) == expected


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("SELECT total FROM orders", None),
        ("SELECT binding FROM orders", "no such column: binding"),
        ("SELECT total FROM customers", "no such table: customers"),
        ("INSERT INTO orders (price) VALUES (1)", "table orders has no column named price"),
    ],
)
def test_with_a_schema_the_names_must_exist(output, reason):
    entry = {"sql_valid": {"schema": "CREATE TABLE orders (id INTEGER, total REAL)"}}

    assert score(entry, output).reason == reason


def test_a_single_statement_can_be_demanded():
    found = score({"sql_valid": {"single_statement": True}}, "SELECT 1; SELECT 2")

    assert (found.value, found.reason) == (0.0, "2 statements instead of one")


def test_nothing_is_executed(tmp_path):
    file = tmp_path / "written.db"

    value("sql_valid", f"ATTACH '{file}' AS x; CREATE TABLE x.t (a); VACUUM INTO '{file}'")

    assert not file.exists()


def test_a_query_without_end_is_not_run():
    endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"

    assert value("sql_valid", endless) == 1.0


def test_a_megabyte_gives_no_score():
    assert score("sql_valid", "SELECT 1;" * 120_000).value is None


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("CREATE TABLE", "incomplete input"),
        ("ATTACH 'x' AS y", "not authorized"),
        (
            "CREATE TABLE t AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) SELECT x FROM c",
            "interrupted",
        ),
    ],
)
def test_a_schema_that_does_more_than_create_tables_is_refused(schema, message):
    with pytest.raises(BakeoffError, match=message):
        bind({"sql_valid": schema})


@pytest.mark.parametrize(
    ("sql", "statements"),
    [
        ("a; b", ["a", " b"]),
        ("a ';' \";\" `;` [;] -- ;\n /* ; */ b", ["a ';' \";\" `;` [;] -- ;\n /* ; */ b"]),
        (";;a;", ["a"]),
        ("'never closed; ", ["'never closed; "]),
        ("", []),
    ],
)
def test_semicolons_in_texts_and_comments_part_nothing(sql, statements):
    assert list(split_statements(sql)) == statements
