/** Keeps "4 min" true while the page stays open; what is older than an hour says so until a reload. */

const MINUTE_MS = 60_000;

function refresh() {
  for (const element of document.querySelectorAll('time[data-when="ago"]')) {
    const minutes = Math.floor((Date.now() - Date.parse(element.getAttribute("datetime") ?? "")) / MINUTE_MS);
    if (minutes >= 0 && minutes < 60) element.textContent = minutes < 1 ? "now" : `${minutes} min`;
  }
}

setInterval(refresh, MINUTE_MS);
