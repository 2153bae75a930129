/** Makes an old version the newest again. */

import { on } from "../../ui/js/behaviour.js";
import { whileBusy } from "../../ui/js/form.js";
import { send, showError } from "../../ui/js/http.js";

on("click", "[data-restore-version]", (button) => {
  const { prompt: id } = /** @type {HTMLElement} */ (button.closest("[data-prompt]")).dataset;
  const { restoreVersion, newest } = button.dataset;
  whileBusy(button, async () => {
    try {
      const { messages, variables, settings } = await send("GET", `/api/prompts/${id}?version=${restoreVersion}`);
      await send("PATCH", `/api/prompts/${id}`, { messages, variables, settings, version: Number(newest) });
      location.assign(`/ai/prompts/${id}/edit`);
    } catch (error) {
      showError(error);
    }
  });
});
