// A page of the Atlas: its record goes to the clipboard, just as it stands there. Where it is too large to stand
// there it is fetched from its own address.

const button = document.getElementById("copy");
const said = document.getElementById("said");

async function recordText() {
  const shown = document.getElementById("record");
  if (shown) return shown.textContent;
  const reply = await fetch(button.dataset.url);
  if (!reply.ok) throw new Error(`the server answered ${reply.status}`);
  return reply.text();
}

async function copy() {
  try {
    await navigator.clipboard.writeText(await recordText());
    said.textContent = "The page's JSON is copied.";
  } catch (error) {
    said.textContent = `It could not be copied: ${error.message}`;
  }
}

// No clipboard, no button: browsers have one on HTTPS and on this machine alone.
if (button && navigator.clipboard) {
  button.hidden = false;
  button.addEventListener("click", copy);
}
