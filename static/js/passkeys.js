// Passkeys: asks the browser to make or prove one, and sends the answer with the button's form.

const WORDS = {
  NotAllowedError: "Nothing was confirmed. Try again.",
  InvalidStateError: "This device has a passkey for this account already.",
  SecurityError: "Passkeys do not work at this address.",
};
const UNKNOWN = "This browser cannot use passkeys. Use a code, or another browser.";

async function answer(kind, options) {
  if (kind === "create") {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
    return navigator.credentials.create({ publicKey });
  }
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return navigator.credentials.get({ publicKey });
}

async function run(button) {
  const { form } = button;
  if (button.dataset.passkey === "create" && !form.reportValidity()) return;
  const note = form.querySelector("[data-passkey-note]");
  note.textContent = "";
  button.disabled = true;
  try {
    const options = JSON.parse(document.getElementById("passkey-options").textContent);
    const credential = await answer(button.dataset.passkey, options);
    form.elements[button.dataset.field].value = JSON.stringify(credential);
    form.submit();
  } catch (error) {
    note.textContent = WORDS[error.name] ?? UNKNOWN;
    button.disabled = false;
  }
}

for (const button of document.querySelectorAll("[data-passkey]")) {
  button.addEventListener("click", () => run(button));
}
