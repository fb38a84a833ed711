"""Whether networks give here what their authors' own code gives."""
