/* The Documents tab: fixes for Gradio's components, and the results. */
"use strict";

/* Gradio names the upload button differently from its visible text, which voice control needs. */
NerPage.nameUpload = async () => {
  const files = await NerPage.drawn(() => document.querySelector("#files"));
  const rename = () => {
    for (const button of files.querySelectorAll("button[aria-dropeffect][aria-label]")) button.removeAttribute("aria-label");
    NerPage.markDocuments();
  };
  new MutationObserver(rename).observe(files, {childList: true, subtree: true, attributeFilter: ["aria-label"]});
  rename();
};

/* A browser leaves the page for a file that is dropped beside the box for files; here it goes into the box. */
NerPage.takeDropped = async (files) => {
  const dropped = new DataTransfer();
  for (const file of files) dropped.items.add(file);
  NerPage.openTab("Documents");
  const box = await NerPage.drawn(() => document.querySelector("#files button[aria-dropeffect]"));
  box.dispatchEvent(new DragEvent("drop", {dataTransfer: dropped, bubbles: true, cancelable: true}));
};
document.addEventListener("dragover", (event) => {
  if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
});
document.addEventListener("drop", (event) => {
  if (event.target.closest?.("button[aria-dropeffect]") || !event.dataTransfer?.files.length) return;
  event.preventDefault();
  NerPage.takeDropped(event.dataTransfer.files);
});

/* Whether what is given now is what was read: files, by their places on the server, and a web address. */
NerPage.areGiven = ({files, address}) => {
  const links = [...document.querySelectorAll("#files a[download]")];
  return links.length === files.length && links.every(({href}, number) => decodeURIComponent(href).endsWith(`file=${files[number]}`))
    && document.querySelector("#address input").value.trim() === address;
};

/* Says when the results are of other documents than those that are given now. */
NerPage.markDocuments = () => {
  const shown = document.querySelector("#documents-view .documents"), place = shown?.querySelector("#documents-old");
  if (!place) return;
  const old = !NerPage.areGiven(shown.read);
  shown.classList.toggle("stale", old);
  place.textContent = old ? "These results are of other documents. Press Recognize all to update them." : "";
};
document.addEventListener("input", (event) => { if (event.target.closest?.("#address")) NerPage.markDocuments(); });

/* The name of a run, under which the server keeps its files and results for a reload. Each run has its own: a browser
   tab that is duplicated takes the last one along. */
NerPage.newVisit = (files, address) => {
  const visit = NerPage.unique();
  if (files?.length || address.trim()) NerPage.keep("ner-visit", visit);
  return visit;
};

/* Milliseconds after which the server is asked whether it is there. */
NerPage.STILL = 5_000;

/* Feedback until the server responds, and a cancellation that the server cannot know of yet. */
NerPage.startDocuments = (element) => {
  const at = (selector) => document.querySelector(selector);
  const busy = element.querySelector(".busy"), said = busy.querySelector("p");
  let wished = false, heard = false, asking = null, before = "", place = null;
  const rest = () => {
    clearInterval(asking);
    spoken.disconnect();
    busy.hidden = true;
  };
  // Gradio counts seconds, unseen, in the same element.
  const words = () => place?.querySelector(".html-container")?.innerHTML ?? "";
  const hear = () => {
    heard ||= words() !== before;
    if (!heard) return;
    busy.hidden = true;
    if (wished) setTimeout(() => at("#cancel-documents").click());
    wished = false;
    if (!place.querySelector("progress")) rest();
  };
  const spoken = new MutationObserver(hear);
  // Also while the server has spoken and works: it may be gone since.
  const ask = () => fetch("readyz").then(() => {
    busy.hidden = heard;
    said.textContent = "Waiting: the server is serving others first …";
  }, () => {
    busy.hidden = false;
    said.textContent = NerPage.UNREACHED;
  });
  const begin = async (text, selector) => {
    rest();
    wished = heard = false;
    said.textContent = text;
    busy.hidden = false;
    place = at(selector);
    before = words();
    place?.before(busy);
    asking = setInterval(ask, NerPage.STILL);
    place = await NerPage.drawn(() => at(selector));
    spoken.observe(place, {childList: true, subtree: true, characterData: true});
    hear();
  };
  // Gradio makes the buttons when it likes, so the document listens for them; it does so before they act.
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("#run-documents, #redact-files, #cancel-documents")?.id;
    if (button === "run-documents") {
      NerPage.awaited = true;
      begin("Starting …", "#documents-status");
    }
    if (button === "redact-files") begin("Redacting …", "#redaction-status");
    if (button === "cancel-documents" && !busy.hidden) {
      event.stopImmediatePropagation();
      wished = true;
      said.textContent = "Cancelling …";
    }
  }, {capture: true});
  // Cancel goes when there is nothing to cancel; what had its focus is what is said then.
  document.addEventListener("focusout", ({target}) => {
    if (target.id !== "cancel-documents" || target.checkVisibility()) return;
    place.tabIndex = -1;
    place.focus({preventScroll: true});
  });
  if (NerPage.kept("ner-visit")) NerPage.drawn(() => at("#documents-again")).then((button) => button.click());
};

/* Names over all documents, which documents have them, and each one marked. */
NerPage.showDocuments = (element, view) => {
  const root = element.querySelector(".documents");
  if (!root || !view) return;
  const make = NerPage.element, {kinds, names, documents} = view;
  const groups = make("div", {class: "groups"}), list = make("ul", {class: "listed", "aria-label": "Documents"});
  const place = make("div", {class: "shown"}), title = make("h2", {class: "section", tabindex: "-1"});
  const viewer = new NerPage.Viewer(place);
  const more = (shown, all, what) => shown < all
    ? make("p", {class: "hint"}, `The first ${shown.toLocaleString("en")} of ${all.toLocaleString("en")} ${what}; the zip has all.`) : null;

  const open = (number, name = "") => {
    const one = documents[number];
    for (const button of list.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.number) === number));
    }
    title.textContent = one.name;
    place.hidden = !one.answer;
    if (!one.answer) return;
    viewer.show(NerPage.answerOf(one.text, one.answer));
    const group = viewer.answer.groups.find((other) => other.name === name);
    if (group) viewer.select(group.mentions, 0, name);
  };

  const drawList = (numbers = documents.map((_, number) => number), name = "") => {
    list.replaceChildren(...numbers.filter((number) => documents[number]).map((number) => make("li", {},
      make("button", {"data-number": number, "aria-pressed": "false", onclick: () => open(number, name)},
        make("span", {dir: "auto"}, documents[number].name), make("span", {class: "count"}, ` ${documents[number].count.toLocaleString("en")}`)))));
    if (name) list.prepend(make("li", {}, make("button", {class: "all", onclick: () => {
      drawList();
      draw();
      list.querySelector("button").focus();
    }}, "All documents")));
  };

  const unfolded = new Set();
  const draw = (chosen = null) => {
    const item = (one) => make("li", {}, make("button", {class: "name", "aria-pressed": String(one === chosen), onclick: () => {
      drawList(one.documents, one.name);
      draw(one);
      groups.querySelector('[aria-pressed="true"]').focus();
      const first = one.documents.find((other) => documents[other]);
      if (first !== undefined) open(first, one.name);
    }}, make("span", {dir: "auto"}, one.name), make("span", {class: "count"}, (one.count > 1 ? ` ${one.count.toLocaleString("en")}×` : "")
      + (one.documents.length > 1 ? ` in ${one.documents.length.toLocaleString("en")}` : ""))));
    groups.replaceChildren(...kinds.flatMap((kind, number) => {
      const own = names.filter((name) => name.kind === number);
      return own.length ? [NerPage.groupBox(kind, own, item, {unfolded, redraw: draw, count: view.labels[kind.label]})] : [];
    }));
  };

  const rows = names.map((one) => [one.name, kinds[one.kind].label, one.count, one.documents.length]);
  const head = ["Name", "Label", "Count", "Documents"];
  const copy = make("button", {onclick: () =>
    NerPage.copy(copy, [head, ...rows].map((row) => row.join("\t")).join("\n"))}, "Copy table");
  const table = make("details", {class: "fold", id: "name-table"},
    make("summary", {}, make("span", {class: "what"}, "Table of names")), make("div", {class: "buttons"}, copy), NerPage.table(head, rows, "Table of names"));
  draw();
  drawList();
  const over = [make("h2", {class: "unseen"}, "Names in all documents"), make("div", {class: "viewer"}, groups), more(names.length, view.all_names, "names")];
  const listed = make("div", {class: "viewer"}, make("h2", {class: "section"}, "Documents"), list, more(documents.length, view.all_documents, "documents"));
  const lone = documents.length === 1 && documents[0].answer; // its own names are all names
  root.replaceChildren(...[make("p", {id: "documents-old", role: "status"}), ...(lone ? [] : over), table,
    make("div", {class: lone ? "" : "split"}, lone ? null : listed, make("div", {}, title, place))].filter(Boolean));
  if (documents.length) open(0);
  root.read = view.given;
  setTimeout(NerPage.markDocuments); // Gradio may draw files and address after the results
  if (NerPage.awaited) NerPage.comeIntoView(document.querySelector("#documents-problems:has(.said), #documents-result"));
  NerPage.awaited = false;
};
