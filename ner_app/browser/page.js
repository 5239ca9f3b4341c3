/* What all tabs share: a place for short messages that screen readers speak, and keys. */
"use strict";

NerPage.begin = () => {
  document.body.append(NerPage.element("div", {id: "told", class: "unseen", role: "status", "aria-live": "polite"}));
};
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", NerPage.begin);
else NerPage.begin();

/* Ctrl-Enter (Cmd-Enter on a Mac) presses the main button of the tab whose text box has the focus. */
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  const button = event.target.closest?.(".ctrl-enter")?.querySelector("button.ctrl-enter-target");
  if (!button) return;
  event.preventDefault();
  event.target.blur();
  event.target.focus();
  button.click();
});
