// The audit of runs: verify one, or all of a page one after another, and say what was found in its place.
import { say, sayTimes } from "./page.js";

async function verify(button) {
  button.disabled = true;
  const place = button.closest(".proof").querySelector("[data-found]");
  try {
    const reply = await fetch(button.dataset.verify, { headers: { Accept: "text/html", "HX-Request": "true" } });
    if (!reply.ok) throw new Error(`The server said ${reply.status}.`);
    place.innerHTML = await reply.text();
    document.getElementById("tally").hidden = true; // It counted what was known when the page was made.
    sayTimes(place);
  } catch (error) {
    say(error.message);
  } finally {
    button.disabled = false;
  }
}

for (const button of document.querySelectorAll("[data-verify]")) {
  button.addEventListener("click", () => verify(button));
}

document.getElementById("verify-all")?.addEventListener("click", async ({ target }) => {
  target.disabled = true;
  const buttons = [...document.querySelectorAll("[data-verify]")];
  for (const [index, button] of buttons.entries()) {
    say(`Verifying ${index + 1} of ${buttons.length}`);
    await verify(button);
  }
  const bad = document.querySelectorAll(".proof .tag.bad[data-verdict]").length;
  say(bad ? `${bad} of ${buttons.length} do not verify.` : `All ${buttons.length} verify.`);
  target.disabled = false;
});
