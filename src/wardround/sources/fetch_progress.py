"""A download as a progress bar: files done, and how far the present one has come."""

from wardround.progress import Progress as Bar
from wardround.progress import progress
from wardround.sources.fetch import Progress

MIB = 2**20


class DownloadBar:
    """Call it with each `fetch.Progress`; the bar starts with the first one."""

    def __init__(self, quiet: bool) -> None:
        self.quiet, self.files_done = quiet, 0
        self.bar: Bar[int] | None = None

    def __call__(self, state: Progress) -> None:
        """Show a state of the download."""
        if self.bar is None:
            self.bar = progress(state.of, "files", quiet=self.quiet)
        size = "" if state.total_bytes is None else f" of {state.total_bytes / MIB:.1f}"
        done = state.number if state.done_bytes == state.total_bytes else state.number - 1
        self.bar.advance(max(0, done - self.files_done), note=f"{state.name}: {state.done_bytes / MIB:.1f}{size} MiB")
        self.files_done = max(done, self.files_done)

    def close(self) -> None:
        """Show the last state."""
        if self.bar is not None:
            self.bar.close()
