"""What is sent to other people: a page about a restored film, and films side by side."""
