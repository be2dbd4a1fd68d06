// What every page does: times as people say them, the count of what waits in the title, and word from the server
// that something has moved, which parts of the page listen to ("moved from:body"); that a task has written is "wrote".
// Nothing is asked for on a clock.

const MOVED_EVERY_MS = 1000;

/** Return how long ago, or in how long, as people say it. */
export function ago(iso, now = Date.now()) {
  const seconds = Math.round((Date.parse(iso) - now) / 1000);
  const sizes = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const [unit, size] = sizes.find(([, each]) => Math.abs(seconds) >= each) ?? ["second", 1];
  return new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(Math.trunc(seconds / size), unit);
}

/** Say all times under an element as people say them; hovering shows the exact one. */
export function sayTimes(root = document) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const exact = time.getAttribute("datetime");
    if (!time.title) time.title = exact;
    if (!time.hasAttribute("data-exact")) time.textContent = ago(exact);
  }
}

/** Say something to the reader without moving them. */
export function say(text) {
  const place = document.getElementById("said");
  place.textContent = text;
  setTimeout(() => { if (place.textContent === text) place.textContent = ""; }, 8000);
}

function countInTitle() {
  const count = document.getElementById("waiting")?.dataset.count ?? "0";
  const plain = document.title.replace(/^\(\d+\) /, "");
  document.title = count === "0" || count === "" ? plain : `(${count}) ${plain}`;
}

/** Return what takes note of runs, and tells the page of them together, once a second at most. */
function teller(name) {
  let last = 0;
  let waiting = 0;
  let found = { runs: new Set(), all: false };
  const tell = () => {
    last = Date.now();
    waiting = 0;
    const detail = { runs: [...found.runs], all: found.all };
    found = { runs: new Set(), all: false };
    document.body.dispatchEvent(new CustomEvent(name, { detail }));
  };
  return ({ runs = [], all = false }) => {
    for (const run of runs) found.runs.add(run);
    found.all ||= all;
    if (!waiting) waiting = setTimeout(tell, Math.max(0, MOVED_EVERY_MS - (Date.now() - last)));
  };
}

function listen() {
  const [moved, wrote] = [teller("moved"), teller("wrote")];
  const source = new EventSource("/stream");
  // What moved before the stream was open, or while it was away, nobody tells: all may have.
  source.addEventListener("open", () => moved({ all: true }));
  source.addEventListener("moved", (event) => moved(JSON.parse(event.data)));
  source.addEventListener("wrote", (event) => wrote(JSON.parse(event.data)));
  addEventListener("pagehide", () => source.close());
}

sayTimes();
countInTitle();
setInterval(sayTimes, 30000);
document.body.addEventListener("htmx:after:swap", () => { sayTimes(); countInTitle(); });
if (document.getElementById("waiting")) listen();
