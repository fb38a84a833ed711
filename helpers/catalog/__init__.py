"""The models there are: the table, fetching their files, loading them."""
