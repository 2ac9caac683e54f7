"""Scripts that try to break things, sized by an argument; a small size is tested."""
