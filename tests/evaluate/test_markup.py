"""What a template writes as it stands, and what it escapes."""

from jinja2 import Environment

from wardround.evaluate.markup import Markup, link

PAGE = Environment(autoescape=True).from_string("{{ text }}")


def test_markup_is_written_as_it_stands_and_text_is_not():
    assert PAGE.render(text=Markup("<b>1</b>")) == "<b>1</b>"
    assert PAGE.render(text="<b>1</b>") == "&lt;b&gt;1&lt;/b&gt;"
    assert PAGE.render(text=Markup("<b>") + "<i>") == "&lt;b&gt;&lt;i&gt;", "joined with text it is text"


def test_a_link_escapes_address_and_text():
    assert PAGE.render(text=link('a"b&c', "<run>")) == '<a href="a&quot;b&amp;c">&lt;run&gt;</a>'
