// The inbox: keys, choosing several, and word on the desktop about what has come. Titles only, never what they hold.

import { idOf, once, post } from "./asking.js";

const by = (id) => document.getElementById(id);
const links = () => [...document.querySelectorAll(".question .open")];

function step(by) {
  const all = links();
  if (!all.length) return;
  const now = all.findIndex((link) => link.closest(".question").contains(document.activeElement));
  const next = now < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, now + by));
  all[next].focus();
  all[next].closest(".question").scrollIntoView({ block: "nearest" });
}

function choose() {
  const box = document.activeElement?.closest(".question")?.querySelector(".choose");
  if (box) box.checked = !box.checked;
}

const KEYS = { j: () => step(1), k: () => step(-1), x: choose, "?": () => by("keys").showModal() };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || by("keys").open) return;
  if (event.target.closest("input:not([type=checkbox]), textarea, select")) return;
  const act = KEYS[event.key];
  if (act) {
    event.preventDefault();
    act();
  }
});
by("keys-open").addEventListener("click", () => by("keys").showModal());

document.addEventListener("submit", (event) => {
  if (event.target.id !== "batch") return;
  event.preventDefault();
  const comment = by("batch-comment").value;
  once(event.target, by("batch-error"), async () => {
    const chosen = [...document.querySelectorAll(".choose:checked")];
    if (!chosen.length) throw new Error("Choose some questions first.");
    const refused = [];
    for (const { dataset } of chosen) {
      const where = `?workspace=${encodeURIComponent(dataset.workspace)}`;
      const one = `/api/v1/runs/${encodeURIComponent(dataset.run)}/breakpoints/${encodeURIComponent(dataset.breakpoint)}`;
      const answer = { decision: "approve", comment };
      try {
        await post(`${one}/answer${where}`, { ...answer, requestId: idOf(["batch", dataset.run, dataset.breakpoint, answer]) });
      } catch (error) {
        refused.push(`${dataset.run}: ${error.message}`);
      }
    }
    if (refused.length) throw new Error(`${chosen.length - refused.length} approved. Not: ${refused.join(" · ")}`);
    sessionStorage.setItem("said", `${chosen.length} approved.`);
    location.reload();
  });
});

const mine = () => new Map([...document.querySelectorAll(".question[data-mine]")].map((each) => [each.id, each]));
let known = new Set(mine().keys());

function tellNew() {
  const now = mine();
  if (globalThis.Notification?.permission === "granted") {
    for (const [id, each] of now) {
      if (known.has(id)) continue;
      const link = each.querySelector(".open");
      const notice = new Notification("Babysitter asks", { body: link.textContent, tag: id });
      notice.addEventListener("click", () => { focus(); location.assign(link.href); });
    }
  }
  known = new Set(now.keys());
}

function offerNotices() {
  by("notify").hidden = globalThis.Notification?.permission !== "default";
}

by("notify").addEventListener("click", async () => {
  await Notification.requestPermission();
  offerNotices();
});
document.body.addEventListener("htmx:after:swap", tellNew);
offerNotices();
