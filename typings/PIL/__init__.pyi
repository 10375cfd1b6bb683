"""What this project uses of Pillow, which only the extra `images` brings. A name that is missing here: add it."""
