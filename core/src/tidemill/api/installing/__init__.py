"""Installing plugins: which tool serves the environment in use, what it would do, and doing exactly that."""
