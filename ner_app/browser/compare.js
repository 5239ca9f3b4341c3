/* The Compare tab: takes over the text of the Text tab, starts with two things that differ. */
"use strict";

NerPage.CompareTab = class {
  constructor(root, server) {
    const at = (selector) => root.querySelector(selector);
    const kept = NerPage.kept("ner-compare") ?? {text: "", chosen: []};
    Object.assign(this, {root, at, ask: NerPage.asking(server), kept, touched: Boolean(kept.text), running: null, compared: null});
    const box = at("#compare-box");
    box.value = kept.text;
    root.addEventListener("input", () => NerPage.keep("ner-compare",
      {text: this.touched ? box.value : "", chosen: this.chosen()}));
    box.addEventListener("input", () => {
      this.touched = true;
      if (at("#compare-busy").hidden) this.marked();
    });
    NerPage.onCtrlEnter(root, () => this.compare());
    at("#compare").addEventListener("click", () => this.compare());
    at("#cancel-compare").addEventListener("click", () => {
      this.asked = null;
      this.ask("cancel", {job: this.running});
    });
    document.addEventListener("ner-models", () => this.choices());
    new IntersectionObserver((seen) => { if (seen.some((one) => one.isIntersecting)) this.takeOver(); }).observe(root);
  }

  start() {
    this.takeOver();
    this.choices();
  }

  takeOver() {
    const text = document.querySelector("#text-box")?.value ?? "";
    if (!this.touched && text.trim()) this.at("#compare-box").value = text;
    if (this.at("#compare-busy").hidden) this.marked();
  }

  /* Says when the comparison is of another text than the one in the box; else the verdict is visible, and spoken here. */
  marked(said = "") {
    const {at, compared} = this, old = compared !== null && at("#compare-box").value !== compared;
    at("#compare-result").classList.toggle("stale", old);
    at("#compare-status").classList.toggle("unseen", !old && !said);
    at("#compare-status").textContent = said || (old ? "The text has changed since this comparison. Press Compare to update it."
      : at("#compare-verdict .first")?.textContent ?? "");
  }

  async choices() {
    const known = await this.ask.last("choices");
    if (!known) return;
    const make = NerPage.element, chosen = this.chosen();
    const before = new Set(chosen.length ? chosen : this.kept.chosen);
    this.at(".choices").replaceChildren(...known.map(([key, title, first]) => make("label", {class: "choice"},
      make("input", {type: "checkbox", value: key, checked: before.size ? before.has(key) : first}), ` ${title}`)));
  }

  chosen() {
    return [...this.at(".choices").querySelectorAll("input:checked")].map((input) => input.value);
  }

  async compare() {
    const text = this.at("#compare-box").value, chosen = this.chosen(), asked = JSON.stringify([text, chosen]);
    const busy = !this.at("#compare-busy").hidden;
    if (busy && asked === this.asked) return; // pressed again
    if (busy) this.ask("cancel", {job: this.running});
    this.asked = asked;
    const job = this.running = NerPage.unique();
    const bar = this.at("#compare-busy progress");
    NerPage.notice(this.at("#compare-message"), "");
    this.at("#compare-status").classList.remove("unseen");
    this.at("#compare-status").textContent = `Running ${chosen.length} combinations …`;
    this.at("#compare-busy").hidden = false;
    bar.removeAttribute("value");
    const polling = setInterval(async () => { bar.value = await this.ask("progress", {job}) ?? 0; }, NerPage.LOOK);
    const found = await this.ask("compare", {text, chosen, job}) ?? {error: NerPage.UNREACHED};
    clearInterval(polling);
    if (this.running !== job) return;
    NerPage.hide(this.at("#compare-busy"), this.at("#compare"));
    if (found.error) NerPage.notice(this.at("#compare-message"), found.error);
    if (found.html) {
      this.at("#compare-result").innerHTML = found.html;
      [...this.root.querySelectorAll("#compare-cards .marked")].forEach((place, number) => {
        const marks = new NerPage.Marks(place), answer = NerPage.answerOf(text, found.answers[number]);
        marks.draw(answer, text.length, () => true);
        for (const index of found.differing[number]) marks.all[index].classList.add("differs");
      });
      this.compared = text;
    }
    this.marked(found.cancelled ? "Cancelled." : "");
    if (found.html) NerPage.comeIntoView(this.at("#compare-verdict"));
  }
};
