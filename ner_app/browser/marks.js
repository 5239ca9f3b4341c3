/* The text with its marks. Lines are blocks, so that the browser lays out only those in view; of the others it
   guesses the height. A mark is one element with one text node: its label is drawn by the style sheet, and what
   is said of it when it is pointed at is written then. */
"use strict";

/* Characters in a row of marked text on a wide page; names of a label that are shown before one asks for all. */
NerPage.ROW = 90;
NerPage.FEW = 8;
NerPage.viewers = 0;

NerPage.Marks = class {
  constructor(place) {
    this.place = place;
    this.place.id = `marked-${NerPage.viewers += 1}`;
    this.colors = NerPage.element("style");
    this.clear();
  }

  clear() {
    this.all = [];
    this.shown = [];
    this.at = 0;
    this.line = null;
    this.place.replaceChildren();
  }

  /* Go on drawing where the last call ended. */
  draw({text, entities, kinds}, until, visible) {
    const lines = document.createDocumentFragment();
    const rules = kinds.map((kind, number) => `#${this.place.id} .k${number}{--label-color:${kind.color}}`).join("");
    if (this.colors.textContent !== rules) this.colors.textContent = rules;
    if (!this.colors.isConnected) this.place.before(this.colors);
    for (let index = this.all.length; index < entities.length; index += 1) {
      const entity = entities[index], kind = kinds[entity.kind];
      this.write(text.slice(this.at, entity.start), lines);
      const mark = document.createElement("mark"), shown = visible(entity);
      mark.className = `k${entity.kind} line-${kind.line}${entity.edited ? " edited" : ""}${shown ? "" : " off"}`;
      Object.assign(mark.dataset, {index, start: entity.start, end: entity.end, label: kind.label});
      mark.textContent = text.slice(entity.start, entity.end);
      this.openLine(lines).append(mark);
      this.line.length += entity.end - entity.start + kind.label.length;
      this.all.push(mark);
      this.shown.push(shown);
      this.at = entity.end;
    }
    this.write(text.slice(this.at, until), lines);
    this.at = until;
    this.measure();
    this.place.append(lines);
  }

  openLine(lines) {
    if (!this.line) {
      this.line = {place: NerPage.element("div", {class: "line", dir: "auto"}), length: 0, append: (part) => this.line.place.append(part)};
      lines.append(this.line.place);
    }
    return this.line;
  }

  write(plain, lines) {
    for (let rest = plain; rest;) {
      const end = rest.indexOf("\n") + 1, part = end ? rest.slice(0, end) : rest;
      this.openLine(lines).append(part);
      this.line.length += part.length;
      rest = rest.slice(part.length);
      if (end) {
        this.measure();
        this.line = null;
      }
    }
  }

  measure() {
    const rows = Math.ceil((this.line?.length ?? 0) / NerPage.ROW);
    if (rows > 1) this.line.place.style.containIntrinsicBlockSize = `auto ${(1.9 * rows).toFixed(1)}em`;
  }

  filter({entities}, visible) {
    entities.forEach((entity, index) => {
      const shown = visible(entity);
      if (shown === this.shown[index]) return;
      this.shown[index] = shown;
      this.all[index].classList.toggle("off", !shown);
    });
  }

  /* Kind and score of a mark, for pointer and keys. */
  tell(mark, {entities, kinds}) {
    const entity = entities[mark.dataset.index];
    mark.dataset.said = entity.score.toFixed(3);
    mark.title = `${kinds[entity.kind].one}, score ${entity.score.toFixed(3)}${entity.edited ? ", corrected" : ""}`;
  }
};
