// Pages of runs: parts that show what moves ask again when the server says that it has, and only while somebody
// looks; the output of a step goes on where it was; dialogs send what they say to the API, in the reader's name.
import { say, sayTimes } from "./page.js";

const NAMED_MAX = 200;
const LINES_MAX = 500;
const LOG_CHARS_MAX = 512 * 1024;
const missed = { all: false, runs: new Set(), wrote: false };

document.body.addEventListener("moved", ({ detail }) => {
  if (detail.all || detail.runs.length >= NAMED_MAX) missed.all = true;
  for (const run of detail.runs) missed.runs.add(run);
  if (!document.hidden) refresh();
});
document.body.addEventListener("wrote", ({ detail }) => {
  // A child's tasks write in the name of the run that is driven, the topmost; the child's id begins with its.
  const isMeant = (run) => detail.runs.length >= NAMED_MAX || detail.runs.some((each) => `${run}.`.startsWith(`${each}.`));
  if (!document.hidden) readOn(isMeant);
  else missed.wrote = true;
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && (missed.all || missed.runs.size || missed.wrote)) refresh();
});

function refresh() {
  const [all, wrote] = [missed.all, missed.wrote];
  const runs = new Set(missed.runs);
  missed.all = missed.wrote = false;
  missed.runs.clear();
  const isMeant = (run) => all || run === "all" || runs.has(run);
  readOn((run) => wrote || isMeant(run));
  for (const part of document.querySelectorAll("[data-moved]")) {
    if (!isMeant(part.dataset.moved)) continue;
    if (part.dataset.newer) addLines(part);
    else part.dispatchEvent(new Event("refresh"));
  }
}

/** Read on where the output of runs that are meant is shown. */
function readOn(isMeant) {
  for (const log of document.querySelectorAll("pre[data-tail]")) {
    if (isMeant(log.dataset.run) && document.querySelector("#task-facts[data-moved]")) goOn(log);
  }
}

/** Fetch a part of a page; null when the server does not give it. */
async function part(url) {
  try {
    const reply = await fetch(url, { headers: { Accept: "text/html", "HX-Request": "true" } });
    return reply.ok ? await reply.text() : null;
  } catch {
    return null; // The stream says when the server is back, and then it is asked again.
  }
}

/** Put new lines of a journal below those that are shown. */
async function addLines(mark) {
  if (mark.dataset.busy) return;
  mark.dataset.busy = "yes";
  const html = await part(mark.dataset.newer);
  delete mark.dataset.busy;
  if (html === null) return;
  const made = document.createElement("template");
  made.innerHTML = html;
  if (!made.content.querySelector("details")) return;
  const list = mark.parentElement;
  mark.replaceWith(made.content);
  sayTimes(list);
  if (list.children.length > LINES_MAX) document.getElementById("newer")?.remove();
}

/** Add to a log what has been written since. */
async function goOn(log) {
  if (log.dataset.busy) return;
  log.dataset.busy = "yes";
  try {
    const reply = await fetch(`${log.dataset.tail}&offset=${log.dataset.next}`, { headers: { Accept: "application/json" } });
    if (!reply.ok) return;
    const output = await reply.json();
    if (!output.text) return;
    const follows = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    log.append(output.text);
    if (log.textContent.length > LOG_CHARS_MAX) log.textContent = log.textContent.slice(-LOG_CHARS_MAX / 2);
    log.dataset.next = output.next;
    if (follows) log.scrollTop = log.scrollHeight;
  } catch {
    // As for parts: asked again at the next word from the server.
  } finally {
    delete log.dataset.busy;
  }
}

let shown = "";
let wantsFocus = false;
let attempts = "";

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-task]");
  if (link) [shown, wantsFocus] = [link.href, true];
  const opener = event.target.closest("[data-opens]");
  if (opener) document.getElementById(opener.dataset.opens).showModal();
  if (event.target.closest("[data-closes]")) event.target.closest("dialog").close();
});

document.body.addEventListener("htmx:after:swap", () => {
  const ended = document.getElementById("live")?.dataset.ended;
  for (const each of document.querySelectorAll("[data-while=open]")) each.hidden = Boolean(ended);
  showOpened();
  anotherAttempt();
});

/** After a reader has opened a step: lead them to it, and mark its row. */
function showOpened() {
  const pane = document.getElementById("pane");
  const effect = pane?.querySelector("[data-effect]")?.dataset.effect;
  if (!effect) return;
  document.body.classList.add("has-pane");
  for (const row of document.querySelectorAll(".line[aria-current]")) row.removeAttribute("aria-current");
  for (const link of document.querySelectorAll("a[data-task]")) {
    if (link.href === shown) link.closest(".line").setAttribute("aria-current", "true");
  }
  if (!wantsFocus || !new URL(shown).pathname.endsWith(`/${effect}`)) return;
  wantsFocus = false;
  attempts = document.getElementById("task-facts").dataset.attempts;
  const heading = pane.querySelector("[data-focus]");
  heading.focus({ preventScroll: true });
  pane.scrollIntoView({ block: "nearest" });
  for (const log of pane.querySelectorAll("pre.log")) log.scrollTop = log.scrollHeight;
}

/** Another attempt writes another file: show the step anew. */
async function anotherAttempt() {
  const facts = document.getElementById("task-facts");
  if (!facts) return;
  const before = attempts;
  attempts = facts.dataset.attempts;
  if (!before || before === attempts || !document.querySelector("pre[data-tail]")) return;
  const html = await part(facts.getAttribute("hx-get"));
  if (html === null) return;
  const pane = document.getElementById("pane");
  pane.innerHTML = html;
  window.htmx.process(pane);
  sayTimes(pane);
}

function closePane() {
  const pane = document.getElementById("pane");
  if (!pane || !document.body.classList.contains("has-pane")) return;
  const row = document.querySelector(".line[aria-current] a");
  pane.replaceChildren();
  document.body.classList.remove("has-pane");
  document.querySelector(".line[aria-current]")?.removeAttribute("aria-current");
  row?.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, dialog")) return;
  if (event.key === "Escape") closePane();
  if (event.key !== "j" && event.key !== "k") return;
  const links = [...document.querySelectorAll(".rows .line-name a, .runs a.open")];
  const here = links.indexOf(document.activeElement);
  const next = event.key === "j" ? here + 1 : Math.max(0, here - 1);
  links[Math.min(next, links.length - 1)]?.focus();
});

for (const form of document.querySelectorAll("form[data-sends]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.dataset.busy) return;
    form.dataset.busy = "yes";
    const error = form.querySelector("[data-error]");
    error.hidden = true;
    const button = form.querySelector("button:not([type])");
    button.disabled = true;
    try {
      const sent = await send(form.dataset.sends, valuesOf(form));
      form.closest("dialog").close();
      if (form.dataset.leads) location.assign(form.dataset.leads + encodeURIComponent(sent.runId));
      else say(form.dataset.said);
    } catch (problem) {
      error.textContent = problem.message;
      error.hidden = false;
      error.focus();
    } finally {
      button.disabled = false;
      delete form.dataset.busy;
    }
  });
}

function valuesOf(form) {
  const found = {};
  for (const field of form.elements) {
    if (!field.name) continue;
    if (!("json" in field.dataset)) found[field.name] = field.value;
    else if (field.value.trim()) {
      try {
        found[field.name] = JSON.parse(field.value);
      } catch {
        throw new Error("The payload is no JSON: text stands in double quotes.");
      }
    }
  }
  return found;
}

async function send(url, body) {
  const reply = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify(body),
  });
  const said = await reply.json();
  if (!reply.ok) throw new Error([said.error?.message, said.error?.hint].filter(Boolean).join(" "));
  return said;
}
