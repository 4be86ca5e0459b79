"""The frame that all pages for people stand in, whichever service draws them."""
