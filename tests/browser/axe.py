"""axe-core, which finds what keeps people out."""

from pathlib import Path

import pytest
from playwright.async_api import Page

SCRIPT = Path(__file__).with_name("axe.min.js").read_text()

# Each theme and each size once: what only a desk shows is seen in dark on the page of components.
views = pytest.mark.parametrize(
    ("phone", "dark"), [(False, False), (True, True)], ids=["desktop-light", "phone-dark"]
)

# What a theme can break; all else is the same in both.
COLOURS = ["color-contrast", "link-in-text-block"]

RUN = """
async (only) => {
  const found = await axe.run(document, {
    resultTypes: ["violations"],
    ...(only && {runOnly: {type: "rule", values: only}}),
  });
  return found.violations.map((one) =>
    `${one.id}: ${one.help}: ${one.nodes.map((node) => node.target.join(" ")).join(", ")}`);
}
"""


async def problems(page: Page, only: list[str] | None = None) -> list[str]:
    """Return what axe finds on the page as it stands, or its rules `only`, a line per rule."""
    await page.evaluate(SCRIPT)
    return await page.evaluate(RUN, only)
