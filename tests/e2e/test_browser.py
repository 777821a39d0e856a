"""The browser itself works here: it draws, and it knows the codec of our proxies."""

from __future__ import annotations

from playwright.sync_api import Browser

PAGE = """<!doctype html><title>Range</title><body style="margin:0;background:#1d4f5c">
<p id=p style="color:#fff">waiting</p><script>document.getElementById('p').textContent = 'drawn'</script>"""


def test_browser_draws_and_plays_h264(browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 320, "height": 200})
    page.set_content(PAGE)
    assert page.text_content("#p") == "drawn"
    supported = "MediaSource.isTypeSupported('video/mp4; codecs=\"avc1.42E01E, mp4a.40.2\"')"
    assert page.evaluate(supported) is True
    written = page.screenshot()
    page.evaluate("document.getElementById('p').textContent = ''")
    empty = page.screenshot()
    page.close()
    assert written.startswith(b"\x89PNG")
    assert len(written) > len(empty) + 200, "text leaves no trace: the browser has no font"
