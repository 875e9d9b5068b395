"""The only door to the database: tables, transactions, queries. Knows no page, no HTTP and no statistics."""
