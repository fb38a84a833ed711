"""Look at a written film before it is called done; see `verify.result`."""
