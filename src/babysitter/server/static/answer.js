// A question's page: sends answers, has a passkey sign them, keeps what was typed, and follows what others do.

import { assertion, base64url, whyNot } from "./passkey.js";
import { agreed, challengeOf, checkDisplayed, displayed, Refusal, sha256 } from "./ceremony.js";
import { idOf, once, post } from "./asking.js";
import { say } from "./page.js";

const NAMESPACE = "babysitter-approval";
const place = document.getElementById("answering");
const by = (id) => document.getElementById(id);
const url = (what) => `${place.dataset.api}/${what}${place.dataset.where}`;

async function signed(answer) {
  const shown = displayed();
  await checkDisplayed(shown);
  const asked = await post(url("statement"), answer);
  const statement = agreed(asked.statement, shown, answer);
  const challenge = await challengeOf(statement, NAMESPACE);
  if (asked.namespace !== NAMESPACE || asked.challenge !== base64url(challenge)) {
    throw new Refusal("The server asks your passkey to sign something else than the statement. Nothing was signed.");
  }
  by("digest").textContent = await sha256(statement);
  by("signing").hidden = false;
  let credential;
  try {
    credential = await assertion({ challenge, rpId: asked.options.rpId, timeout: asked.options.timeout, userVerification: "required" });
  } catch (error) {
    throw new Refusal(whyNot(error));
  }
  const { response } = credential;
  return {
    statement,
    assertion: {
      credentialId: base64url(credential.rawId),
      authenticatorData: base64url(response.authenticatorData),
      clientDataJson: base64url(response.clientDataJSON),
      signature: base64url(response.signature),
    },
  };
}

function typed(decision) {
  const comment = by("comment").value;
  if (!comment.isWellFormed?.() && comment.isWellFormed) throw new Refusal("Your words hold half a character, which nothing can be signed over.");
  const behalf = by("behalf")?.value;
  const answer = { decision, comment };
  if (behalf) answer.onBehalfOf = behalf;
  if (by("glass")?.checked && decision === "approve") answer.breakGlass = true;
  return answer;
}

async function send(decision) {
  const answer = typed(decision);
  if (by("comment").required && !answer.comment.trim()) {
    by("comment").focus();
    throw new Refusal("The rule asks why: say it above.");
  }
  const requestId = idOf(["answer", answer]);
  const proof = place.dataset.signature === "no" ? {} : await signed(answer);
  await post(url("answer"), { ...answer, ...proof, requestId });
  done({ approve: "Approved.", reject: "Rejected.", defer: "Deferred." }[decision]);
}

function done(words) {
  sessionStorage.setItem("said", `${words} It stands in the run's journal.`);
  location.reload();
}

by("answer")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const decision = event.submitter?.value;
  // Enter in a field is no decision: an answer is given by its own button.
  if (decision) once(event.target, by("answer-error"), () => send(decision));
});

by("ask")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const body = { text: by("ask-text").value, reply: by("ask-reply").checked };
  once(event.target, by("ask-error"), async () => {
    await post(url("word"), { ...body, requestId: idOf(["ask", body]) });
    done(body.reply ? "Replied." : "Asked.");
  });
});

by("pass")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const to = [...event.target.querySelectorAll("[name=to]:checked")].map((each) => each.value);
  const body = { to, comment: by("pass-text").value };
  once(event.target, by("pass-error"), async () => {
    if (!to.length) throw new Refusal("Choose to whom.");
    await post(url("reassignment"), { ...body, requestId: idOf(["pass", body]) });
    done("Passed on.");
  });
});

document.body.addEventListener("moved", (event) => {
  const stands = by("stands");
  if (event.detail.all || event.detail.runs.includes(stands.dataset.run)) stands.dispatchEvent(new CustomEvent("moved-here"));
});

document.body.addEventListener("htmx:after:swap", () => {
  if (by("stands")?.dataset.state === "open" || !by("answer")) return;
  for (const button of place.querySelectorAll("button")) button.disabled = true;
  const error = by("answer-error");
  error.textContent = "This was decided meanwhile. What you typed stays here; it is not sent.";
  error.hidden = false;
});

const said = sessionStorage.getItem("said");
if (said) {
  sessionStorage.removeItem("said");
  say(said);
}
