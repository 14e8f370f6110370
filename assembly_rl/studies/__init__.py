"""Studies that compare methods over seeds and conditions."""
