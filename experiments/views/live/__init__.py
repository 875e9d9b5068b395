"""Live tests: what answering needs, what people watch, what is exported."""
