"""Answers side by side, looks at a result, exports."""
