// Joining by an invitation: its code stands behind the # of the link, which no browser sends anywhere.

import { once, post } from "./asking.js";
import { creation, told, whyNot } from "./passkey.js";

const by = (id) => document.getElementById(id);
const code = decodeURIComponent(location.hash.slice(1));
// The code is not left lying in the address, nor in the browser's history.
history.replaceState(null, "", location.pathname);

by("join").addEventListener("submit", (event) => {
  event.preventDefault();
  once(by("join"), by("join-error"), async () => {
    if (!code) throw new Error("This link has no invitation in it. Open the whole link that you were sent.");
    const { options } = await post("/join/begin", { code });
    const credential = await creation(options).catch((error) => { throw new Error(whyNot(error)); });
    const added = await post("/join/finish", { code, answer: told(credential), name: by("name").value });
    by("person").textContent = added.person;
    const waits = added.needsSignatures ? ` It counts once ${added.needsSignatures} of the people who look after that file have signed it.` : "";
    by("signs").textContent = added.addedTo
      ? `It was added to ${added.addedTo}, so it signs your answers too.${waits}`
      : "It signs you in. So that it signs your answers too, this line has to be added to the file of signers:";
    by("line").textContent = added.signersLine;
    by("line").hidden = Boolean(added.addedTo);
    by("before").hidden = true;
    by("after").hidden = false;
    by("after").focus();
  });
});
// Pressed before somebody listens, the form would only load the page again.
by("join").inert = false;
