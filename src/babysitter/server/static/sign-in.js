// Signing in with a passkey.

import { once, post } from "./asking.js";
import { assertion, told, whyNot } from "./passkey.js";

const form = document.getElementById("sign-in");

form.addEventListener("submit", (event) => {
  event.preventDefault();
  once(form, document.getElementById("sign-in-error"), async () => {
    const { options } = await post("/sign-in/begin", {});
    const credential = await assertion(options).catch((error) => { throw new Error(whyNot(error)); });
    const { then } = await post("/sign-in/finish", { answer: told(credential), to: form.dataset.to });
    location.assign(then);
  });
});
// Pressed before somebody listens, the form would only load the page again.
form.inert = false;
