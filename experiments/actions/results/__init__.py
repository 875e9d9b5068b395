"""Analyse the evidence, open a result, score again."""
