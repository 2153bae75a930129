/** Files to send: by button, drop or paste; uploaded at once, and shown above the text until they are sent. */

import { on } from "../../ui/js/behaviour.js";
import { formToken } from "../../ui/js/http.js";
import { clone, root } from "./page.js";

/** @typedef {{id?: string, name: string, size: number, media_type?: string, busy?: boolean, chip?: HTMLElement, upload?: XMLHttpRequest}} File_ */

/** @type {File_[]} */
let files = [];

const list = () => /** @type {HTMLElement} */ (root.querySelector("[data-attachments]"));
const composer = () => /** @type {HTMLElement | null} */ (root.querySelector("[data-composer]"));

/** @returns what is attached, as a draft keeps it */
export const attachments = () => files.map(({ id, name, size, media_type, busy }) => ({ id, name, size, media_type, busy }));

/** @param {File_} file */
function forget(file) {
  const picture = file.chip?.querySelector("img")?.src;
  if (picture?.startsWith("blob:")) URL.revokeObjectURL(picture);
}

export function clearAttachments() {
  files.forEach(forget);
  files = [];
  list().replaceChildren();
  list().hidden = true;
}

/** @param {File_[]} kept */
export function restoreAttachments(kept) {
  for (const file of kept) {
    const one = { ...file };
    files.push(one);
    show(one, one.media_type?.startsWith("image/") ? `/api/attachments/${one.id}` : null);
    say(one, sizeOf(one.size));
  }
}

/** @param {number} bytes */
const sizeOf = (bytes) => (bytes < 1000 ? `${bytes} B` : bytes < 1e6 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

/** @param {File_} file @param {string} words @param {boolean} [refused] */
function say(file, words, refused = false) {
  const line = file.chip?.querySelector("small");
  if (line) line.textContent = words;
  file.chip?.classList.toggle("refused", refused);
}

/** @param {File_} file @param {string | null} picture */
function show(file, picture) {
  const chip = clone("attachment-template");
  const name = /** @type {HTMLElement} */ (chip.querySelector("b"));
  name.textContent = file.name;
  chip.title = file.name;
  chip.querySelector("[data-remove]")?.setAttribute("aria-label", `Remove ${file.name}`);
  if (picture) {
    const image = document.createElement("img");
    Object.assign(image, { className: "thumb", src: picture, alt: "" });
    chip.querySelector(".thumb")?.replaceWith(image);
  }
  chip.querySelector("[data-remove]")?.addEventListener("click", () => remove(file));
  file.chip = chip;
  list().append(chip);
  list().hidden = false;
}

/** @param {File_} file */
function remove(file) {
  file.upload?.abort();
  forget(file);
  files = files.filter((one) => one !== file);
  file.chip?.remove();
  list().hidden = files.length === 0;
  changed();
}

const changed = () => root.dispatchEvent(new CustomEvent("attachments-changed"));

/** @param {Iterable<File>} chosen */
function attach(chosen) {
  for (const file of chosen) {
    const one = { name: file.name || "pasted.png", size: file.size, media_type: file.type, busy: true };
    files.push(one);
    show(one, file.type.startsWith("image/") ? URL.createObjectURL(file) : null);
    upload(one, file);
  }
  changed();
}

/** @param {File_} one @param {File} file */
function upload(one, file) {
  const request = (one.upload = new XMLHttpRequest());
  one.chip?.setAttribute("aria-busy", "true");
  say(one, `0 % of ${sizeOf(one.size)}`);
  request.upload.addEventListener("progress", ({ loaded, total }) => say(one, `${Math.floor((100 * loaded) / (total || 1))} % of ${sizeOf(one.size)}`));
  request.addEventListener("loadend", () => ended(one, request));
  request.open("POST", `/api/attachments?name=${encodeURIComponent(one.name)}`);
  request.setRequestHeader("X-CSRF-Token", formToken());
  request.setRequestHeader("Accept", "application/json");
  request.setRequestHeader("Content-Type", file.type || "text/plain");
  request.send(file);
}

/** @param {File_} one @param {XMLHttpRequest} request */
function ended(one, request) {
  one.busy = false;
  one.chip?.removeAttribute("aria-busy");
  if (request.status >= 200 && request.status < 300) {
    Object.assign(one, JSON.parse(request.responseText));
    say(one, `${sizeOf(one.size)}`);
  } else {
    say(one, reasonOf(request), true);
  }
  changed();
}

/** @param {XMLHttpRequest} request */
function reasonOf(request) {
  if (!request.status) return "Not uploaded: the server cannot be reached.";
  try {
    return JSON.parse(request.responseText).detail;
  } catch {
    return `The server answered ${request.status}.`;
  }
}

const input = () => /** @type {HTMLInputElement} */ (root.querySelector("[data-files]"));
on("click", "[data-attach]", () => input().click());
on("change", "[data-files]", () => {
  attach(input().files ?? []);
  input().value = "";
});

root.addEventListener("paste", (event) => {
  const pasted = event.clipboardData?.files;
  if (!pasted?.length || !composer()?.contains(/** @type {Node} */ (event.target))) return;
  event.preventDefault();
  attach(pasted);
});

/** @param {DragEvent} event */
const hasFiles = (event) => event.dataTransfer?.types.includes("Files");

/** @param {boolean} over */
function showDrop(over) {
  composer()?.classList.toggle("drop", over);
  const hint = /** @type {HTMLElement | null} */ (root.querySelector("[data-drop-hint]"));
  if (hint) hint.hidden = !over;
}

root.addEventListener("dragover", (event) => {
  if (!hasFiles(event) || !composer()) return;
  event.preventDefault();
  showDrop(true);
});
root.addEventListener("dragleave", (event) => {
  if (!root.contains(/** @type {Node | null} */ (event.relatedTarget))) showDrop(false);
});
root.addEventListener("drop", (event) => {
  if (!hasFiles(event) || !composer()) return;
  event.preventDefault();
  showDrop(false);
  attach(event.dataTransfer?.files ?? []);
});
