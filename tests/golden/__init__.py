"""What the authors' modules compute, and the tests that compare with it."""
