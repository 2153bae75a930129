"""Calls to the scripts of a page, by the modules that pages use."""

from typing import Any

from playwright.async_api import Page

CALL = """
async ([module, name, given]) => {
  const app = document.querySelector('script[src$="ui/js/app.js"]').src;
  const found = await import(new URL(module, app).href);
  return await found[name](...given);
}
"""


async def call(page: Page, module: str, name: str, *given: Any) -> Any:
    """Call a function that a module beside ui/js/app.js exports; return what it answers."""
    return await page.evaluate(CALL, [module, name, list(given)])
