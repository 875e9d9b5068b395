"""The result page: verdict, scorecard, slices, reader, promotion."""
