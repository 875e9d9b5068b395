"""The version of this program, for health pages, exports and the audit log."""

VERSION = "0.1.0"
