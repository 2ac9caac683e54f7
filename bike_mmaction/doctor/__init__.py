"""What ``bike doctor`` looks at: this machine, and what a config needs."""
