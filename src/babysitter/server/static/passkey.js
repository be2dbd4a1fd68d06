// Asking the device for a passkey: to sign in, to join, to sign an answer. Bytes go as base64url.

/** Return bytes as base64url. */
export function base64url(bytes) {
  const text = String.fromCharCode(...new Uint8Array(bytes));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Return the bytes of base64url. */
export function fromBase64url(text) {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
}

const described = (each) => ({ ...each, id: fromBase64url(each.id) });

/** Have a passkey sign; ``options`` as the server wrote them. */
export function assertion(options) {
  const publicKey = {
    ...options,
    challenge: typeof options.challenge === "string" ? fromBase64url(options.challenge) : options.challenge,
    allowCredentials: (options.allowCredentials ?? []).map(described),
  };
  return navigator.credentials.get({ publicKey });
}

/** Have a new passkey made. */
export function creation(options) {
  const publicKey = {
    ...options,
    challenge: fromBase64url(options.challenge),
    user: { ...options.user, id: fromBase64url(options.user.id) },
    excludeCredentials: (options.excludeCredentials ?? []).map(described),
  };
  return navigator.credentials.create({ publicKey });
}

/** Return a credential as JSON has it, in every browser. */
export function told(credential) {
  const { response } = credential;
  const part = (name) => (response[name] ? { [name]: base64url(response[name]) } : {});
  return {
    id: credential.id,
    rawId: base64url(credential.rawId),
    type: credential.type,
    response: {
      clientDataJSON: base64url(response.clientDataJSON),
      ...part("authenticatorData"),
      ...part("signature"),
      ...part("userHandle"),
      ...part("attestationObject"),
    },
  };
}

/** Say why a device gave nothing, for a person. */
export function whyNot(error) {
  const words = {
    NotAllowedError: "No passkey answered: it was cancelled, took too long, or this device has none for this site.",
    InvalidStateError: "This device has a passkey for you already.",
    SecurityError: "Passkeys are for this server's own address; open it by the name that it was set up with.",
    NotSupportedError: "This device can't make the kind of passkey that is needed.",
  };
  return words[error?.name] ?? `The passkey gave no answer: ${error?.message ?? error}`;
}
