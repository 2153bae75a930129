"""What tests of downloads share: the file that a click brings."""

from playwright.async_api import Locator, Page


async def taken(page: Page, button: Locator) -> tuple[str, bytes]:
    """Click, wait for the file, and return its name and its bytes."""
    async with page.expect_download() as download:
        await button.click()
    file = await download.value
    path = await file.path()
    return file.suggested_filename, path.read_bytes()
