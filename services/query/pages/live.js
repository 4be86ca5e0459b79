"use strict";
// What is new is told by the stream, and shown by the page itself, fetched again: one place draws it.
const live = document.getElementById("live");
const status = document.getElementById("status");
const source = new EventSource(live.dataset.stream);
let waiting = null;
let arrived = 0;

async function renew() {
  waiting = null;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const now = page.getElementById("live");
  if (now === null) {
    location.reload();
    return;
  }
  live.replaceChildren(...now.childNodes);
  status.textContent = arrived === 1 ? "1 new fact since you came." : arrived + " new facts since you came.";
}

for (const type of live.dataset.types.split(" ")) {
  source.addEventListener(type, () => {
    arrived += 1;
    if (waiting === null) waiting = setTimeout(renew, 300);
  });
}
source.addEventListener("open", () => { if (arrived === 0) status.textContent = "Live."; });
source.addEventListener("error", () => { status.textContent = "Not connected; trying again."; });
