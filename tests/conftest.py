"""This folder on the import path, so that tests in its subfolders share `timelines`, `leak_detector` and `untrained`."""
