// Asks a person before something that can't be taken back. Escape is a no.
export function confirmed(question, yes) {
  const dialog = document.createElement("dialog");
  const words = document.createElement("p");
  words.id = "question";
  words.textContent = question;
  dialog.setAttribute("aria-labelledby", "question");
  const actions = document.createElement("div");
  actions.className = "actions";
  const [no, go] = ["Cancel", yes].map((label) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    actions.append(button);
    return button;
  });
  go.className = "primary";
  dialog.append(words, actions);
  document.body.append(dialog);
  return new Promise((answer) => {
    no.addEventListener("click", () => dialog.close("no"));
    go.addEventListener("click", () => dialog.close("yes"));
    dialog.addEventListener("close", () => {
      dialog.remove();
      answer(dialog.returnValue === "yes");
    });
    dialog.showModal();
    no.focus();
  });
}
