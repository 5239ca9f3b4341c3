/* The folds below an answer (table, redacted text, details), made when opened. */
"use strict";

NerPage.TABLE_ROWS = 1_000;

NerPage.Folds = class {
  /* `current()` returns the answer and those of its entities that are shown. */
  constructor(root, ask, current) {
    const at = (selector) => root.querySelector(selector);
    Object.assign(this, {root, at, ask, current});
    for (const fold of ["#entity-table", "#redaction", "#details"]) at(fold).addEventListener("toggle", () => this.draw());
    for (const choice of root.querySelectorAll('[name="redaction-style"]')) choice.addEventListener("change", () => this.draw());
  }

  async draw() {
    const {at} = this, {answer, shown} = this.current();
    if (!answer) return;
    if (at("#details").open) at("#text-facts").replaceChildren(...this.facts(answer));
    if (at("#entity-table").open) at("#entity-table > div").replaceChildren(...this.table(answer, shown()));
    if (at("#redaction").open) {
      const style = this.root.querySelector('[name="redaction-style"]:checked').value;
      const unlikely = NerPage.written(answer.text, answer.unlikely);
      const copy = at("#copy-redacted");
      copy.disabled = true; // the box still holds the previous answer
      const redacted = await this.ask.last("redact", {...NerPage.forServer(answer), unlikely, style}) ?? {error: NerPage.UNREACHED};
      if (this.current().answer !== answer) return;
      at("#redacted").value = redacted.text ?? "";
      copy.disabled = !redacted.text;
      NerPage.notice(at("#redaction-message"), redacted.error);
    }
  }

  rows({text, kinds}, entities) {
    return [["Text", "Label", "Score", "Start", "End"],
      ...NerPage.offsets.toServer(text, entities).map(({start, end, kind, score}, index) =>
        [text.slice(entities[index].start, entities[index].end).split(/\s+/).join(" "), kinds[kind].label, score.toFixed(4), start, end])];
  }

  table(answer, entities) {
    const [head, ...rows] = this.rows(answer, entities), most = NerPage.TABLE_ROWS;
    const more = `The first ${most.toLocaleString("en")} of ${rows.length.toLocaleString("en")}; the saved files have all.`;
    return [NerPage.table(head, rows.slice(0, most), "Table of the names"),
      rows.length > most ? NerPage.element("p", {class: "hint"}, more) : ""];
  }

  facts(answer) {
    const {about} = answer, make = NerPage.element;
    return [...this.chosenByLanguage(answer),
      `${about.model} on ${about.device} (${about.precision}${about.compute ? `, computed in ${about.compute}` : ""})`, make("br"),
      `${NerPage.count(about.pieces, "word piece", "word pieces")} in ${NerPage.count(about.windows, "window", "windows")}`, make("br"),
      `tokenize ${about.tokenization.toFixed(1)} ms · infer ${about.inference.toFixed(1)} ms · `
        + `decode ${about.decoding.toFixed(1)} ms · total ${about.total.toFixed(1)} ms`];
  }

  /* Which model had which part, where the language chose: at most twenty lines. */
  chosenByLanguage({text, about}) {
    const parts = about.parts ?? [];
    if (!parts.length) return [];
    const characters = parts.length < 2 ? [] : [...text];
    const lines = parts.length < 2 ? [parts[0][2]] : parts.slice(0, 20).map(([start, end, model]) => {
      const written = characters.slice(start, Math.min(end, start + 40)).join("").trim().split(/\s+/).join(" ");
      return `${model}: \u2068${written}${end - start > 40 ? " …" : ""}\u2069`;
    });
    if (parts.length > 20) lines.push(`… and ${parts.length - 20} more parts`);
    return [`Chosen by language: ${lines[0]}`, ...lines.slice(1)].flatMap((line) => [line, NerPage.element("br")]);
  }
};
