// The statement of an answer, made again in the browser from what this page shows, so that a passkey signs that and
// nothing else. Nothing here touches the network or the passkey: text and digests in, text, bytes and words out.
//
// The plan, when somebody answers; each step that fails stops, and says in what:
//   1. what the page shows stands in shown.md, as it is displayed here, and that has the digest that is shown;
//   2. the arguments that are shown have the digests that are shown;
//   3. the statement is made of these facts, and of the answer as it was typed, in RFC 8785 form;
//   4. the server's statement is the same, byte for byte, but for its number (nonce) and its time;
//   5. what the passkey is asked to sign is made here, of those bytes.
//
// Forms: docs/reference/approval-statement.md; the text that is signed: OpenSSH, PROTOCOL.sshsig.

const NONCE = /^[0-9a-f]{32}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/;
const CLOCKS_APART_MS = 15 * 60 * 1000;
const utf8 = new TextEncoder();

/** What is wrong, for a person; nothing was signed. */
export class Refusal extends Error {}

/** Return the SHA-256 of a text's UTF-8 bytes, in hex. */
export async function sha256(text) {
  return hex(await crypto.subtle.digest("SHA-256", utf8.encode(text)));
}

/** Return a value in RFC 8785 form. */
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value !== null && typeof value === "object") {
    // Keys are sorted by their UTF-16 units, which is how sort compares.
    return `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

/** Return what the page shows of a question, read from what is displayed. */
export function displayed(root = document) {
  const fact = (name, under = root) => under.querySelector(`[data-fact="${name}"]`)?.textContent ?? "";
  const calls = [...root.querySelectorAll("[data-call]")].map((call) => ({
    taskId: fact("taskId", call),
    argsSha256: fact("argsSha256", call),
    sandboxSha256: fact("sandboxSha256", call),
    args: call.querySelector("[data-args]").textContent,
  }));
  const files = [...root.querySelectorAll("[data-file]")].map((file) => ({
    name: fact("name", file),
    sha256: fact("sha256", file),
  }));
  const texts = [...root.querySelectorAll('[data-shown="text"]')].map((each) => each.textContent);
  const lines = [...root.querySelectorAll('[data-shown="lines"] .line')].map((each) => each.textContent);
  const names = ["runId", "breakpointId", "rule", "policySha256", "prefix", "head", "expiresAt", "approver", "shownSha256"];
  const facts = Object.fromEntries(names.map((name) => [name, fact(name)]));
  return { ...facts, seq: Number(fact("seq")), calls, files, texts, lines, document: root.querySelector("#document")?.textContent ?? "" };
}

/** Refuse what the page shows unless it is what its document says. Steps 1 and 2. */
export async function checkDisplayed(shown) {
  if (!shown.document || !shown.prefix) throw new Refusal("This page shows no document to sign over.");
  if ((await sha256(shown.document)) !== shown.shownSha256) {
    throw new Refusal("The document that this page shows does not have the digest that it says.");
  }
  const lines = new Set(shown.document.split("\n"));
  const stray = shown.texts.find((text) => !shown.document.includes(text)) ?? shown.lines.find((line) => !lines.has(line));
  if (stray !== undefined) throw new Refusal(`This page shows something that is not in the document: “${stray.slice(0, 80)}”.`);
  for (const call of shown.calls) {
    // Where characters are written out that would hide, what is shown is no JSON any more; the document has its digest.
    if (call.args.includes("⟨")) continue;
    if ((await sha256(canonical(JSON.parse(call.args)))) !== call.argsSha256) {
      throw new Refusal(`The arguments of ${call.taskId} that this page shows do not have the digest that it says.`);
    }
  }
}

/** Return the statement of an answer over what is shown, in RFC 8785 form. Step 3. */
export function statementOf(shown, answer, nonce, issuedAt) {
  const digest = (name, sha256) => ({ name, digest: { sha256 } });
  const approves = shown.calls.map(({ taskId, argsSha256, sandboxSha256 }) => ({
    taskId,
    argsSha256,
    ...(sandboxSha256 ? { sandboxSha256 } : {}),
  }));
  return canonical({
    _type: "https://in-toto.io/Statement/v1",
    subject: [digest("shown.md", shown.shownSha256), ...shown.files.map((file) => digest(file.name, file.sha256))],
    predicateType: "urn:babysitter:approval/v1",
    predicate: {
      runId: shown.runId,
      breakpointId: shown.breakpointId,
      ...(approves.length ? { approves } : {}),
      journal: { seq: shown.seq, prefix: shown.prefix, head: shown.head },
      decision: answer.decision,
      comment: answer.comment,
      approver: shown.approver,
      rule: shown.rule,
      policySha256: shown.policySha256,
      nonce,
      issuedAt,
      ...(shown.expiresAt ? { expiresAt: shown.expiresAt } : {}),
      ...(answer.onBehalfOf ? { onBehalfOf: answer.onBehalfOf } : {}),
      ...(answer.breakGlass ? { breakGlass: true } : {}),
    },
  });
}

/** Return our own statement when the server's is the same; else refuse, and say what differs. Step 4. */
export function agreed(theirs, shown, answer, now = Date.now()) {
  let said;
  try {
    said = JSON.parse(theirs);
  } catch {
    throw new Refusal("What the server wants signed is no statement.");
  }
  const { nonce, issuedAt } = said?.predicate ?? {};
  if (!NONCE.test(nonce) || !TIME.test(issuedAt)) throw new Refusal("What the server wants signed has no number or no time.");
  if (Math.abs(Date.parse(issuedAt) - now) > CLOCKS_APART_MS) {
    throw new Refusal(`What the server wants signed says that it is ${issuedAt}; this device's clock says otherwise.`);
  }
  const ours = statementOf(shown, answer, nonce, issuedAt);
  if (ours !== theirs) throw new Refusal(`What the server wants signed is not what this page shows: ${difference(JSON.parse(ours), said)}.`);
  return ours;
}

/** Say where two values differ first. */
export function difference(ours, theirs, path = "statement") {
  if (canonical(ours ?? null) === canonical(theirs ?? null)) return "it is not written in canonical form";
  const isOpen = (value) => value !== null && typeof value === "object";
  if (!isOpen(ours) || !isOpen(theirs)) return `${path} is ${brief(theirs)}, and here it is ${brief(ours)}`;
  const names = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])].sort();
  const name = names.find((each) => canonical(ours[each] ?? null) !== canonical(theirs[each] ?? null));
  return difference(ours[name], theirs[name], `${path}.${name}`);
}

function brief(value) {
  return value === undefined ? "nothing" : `“${(typeof value === "string" ? value : canonical(value)).slice(0, 80)}”`;
}

/** Return what a key signs for a statement: the text of OpenSSH's own signatures. Step 5. */
export async function challengeOf(statement, namespace) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-512", utf8.encode(statement)));
  const parts = [utf8.encode(namespace), new Uint8Array(0), utf8.encode("sha512"), digest];
  return joined([utf8.encode("SSHSIG"), ...parts.flatMap((part) => [length(part), part])]);
}

function length(part) {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, part.length);
  return bytes;
}

function joined(parts) {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
  return whole;
}

function hex(buffer) {
  return [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
