// Talking to our own API: JSON there and back, errors as words, and ids by which nothing happens twice.

const CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** What the server said instead of yes; ``message`` is for people. */
export class Refused extends Error {
  constructor(status, error) {
    super([error?.message, error?.hint].filter(Boolean).join(" ") || `The server said ${status}.`);
    this.code = error?.code ?? "";
    this.status = status;
  }
}

/** Post JSON, and return the JSON that comes back. */
export async function post(url, body) {
  let reply;
  try {
    reply = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(body),
    });
  } catch {
    throw new Refused(0, { message: "The server can't be reached.", hint: "Nothing is lost here: try again." });
  }
  const text = await reply.text();
  const said = text ? JSON.parse(text) : {};
  if (!reply.ok) throw new Refused(reply.status, said.error);
  return said;
}

/** Return a new ULID. */
export function ulid(now = Date.now()) {
  const dice = crypto.getRandomValues(new Uint8Array(16));
  let time = now;
  const head = Array.from({ length: 10 }, () => {
    const letter = CROCKFORD[time % 32];
    time = Math.floor(time / 32);
    return letter;
  });
  return head.reverse().join("") + [...dice].map((byte) => CROCKFORD[byte % 32]).join("");
}

const ids = new Map();

/** Return the id of an intent: the same words again, because no reply came, have the same id again. */
export function idOf(intent) {
  const key = JSON.stringify(intent);
  if (!ids.has(key)) ids.set(key, ulid());
  return ids.get(key);
}

/** Run what a form does, once at a time; what goes wrong stands at the form, and what was typed stays. */
export async function once(form, place, act) {
  if (form.dataset.busy) return;
  form.dataset.busy = "yes";
  form.setAttribute("aria-busy", "true");
  place.hidden = true;
  try {
    await act();
  } catch (error) {
    place.textContent = error.message;
    place.hidden = false;
    place.focus();
  } finally {
    delete form.dataset.busy;
    form.removeAttribute("aria-busy");
  }
}
