"""What parts of BIKE cost, as ratios of one run: `bike benchmark`."""
