"""Rating sessions as their owner sees them."""
