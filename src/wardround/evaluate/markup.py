"""Text that is HTML already: a template writes it as it stands, and escapes all other text."""

import html


class Markup(str):
    """HTML. Jinja asks text for `__html__`, and escapes what does not have it."""

    __slots__ = ()

    def __html__(self) -> str:
        """Itself."""
        return str(self)


def link(address: str, text: str) -> Markup:
    """A link, with both escaped."""
    return Markup(f'<a href="{html.escape(address)}">{html.escape(text)}</a>')
