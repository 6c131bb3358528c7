"""The pages for people, on a listener of their own: what came in, what became of it, what needs a person."""
