/* The Options of the Text tab: menus of models, devices and precisions, and the line that says what is set. */
"use strict";

NerPage.Options = class {
  /* `names`: what a model is called for people, where that is not its name. */
  constructor(at, names) {
    Object.assign(this, {at, names, models: {}, controls: {}});
    for (const name of ["model", "device", "precision", "compute"]) this.controls[name] = at(`#text-${name}`);
    this.controls.aggregation = at("#aggregation");
  }

  /* Menus follow the models on the server's machine; what is chosen stays where it still exists. */
  fill({models, devices, default: first}) {
    this.models = models;
    const make = NerPage.element, {model, device, precision} = this.controls, chosen = model.value || first;
    model.replaceChildren(...Object.keys(models).map((name) => make("option", {value: name}, this.names[name] ?? name)));
    model.value = chosen in models ? chosen : first;
    const offered = devices.map(([title, name]) => make("option", {value: name}, title));
    const before = device.value || "AUTO";
    (device.list ?? device).replaceChildren(...offered);
    device.value = before;
    this.precisions(precision.value);
  }

  precisions(wanted = this.controls.precision.value) {
    const known = this.models[this.controls.model.value] ?? [wanted].filter(Boolean);
    this.controls.precision.replaceChildren(
      NerPage.element("option", {value: ""}, "Best for the device"),
      ...known.map((name) => NerPage.element("option", {value: name}, name)));
    this.controls.precision.value = known.includes(wanted) ? wanted : "";
  }

  chosen() {
    const chosen = Object.fromEntries(Object.entries(this.controls).map(([name, control]) => [name, control.value.trim()]));
    return {...chosen, device: chosen.device || "AUTO"};
  }

  /* Holds also before the server has told what the menus are. */
  set(values) {
    for (const name of ["model", "device"]) {
      const control = this.controls[name], value = values[name] ?? "";
      if (value) control.value = value;
      if (value && control.value !== value) {
        control.append(NerPage.element("option", {value}, this.names[value] ?? value));
        control.value = value;
      }
    }
    for (const name of ["compute", "aggregation"]) this.controls[name].value = values[name] ?? "";
    this.precisions(values.precision);
  }

  /* "minilm-ner · AUTO · best precision · aggregation first · score from 0.50" */
  summarize(least, hidden) {
    const {model, device, precision, compute, aggregation} = this.chosen();
    this.at("#threshold-shown").textContent = least.toFixed(2);
    const parts = [this.names[model] ?? model, device, precision || "best precision"].filter(Boolean);
    if (aggregation) parts.push(`aggregation ${aggregation}`);
    if (compute) parts.push(`${compute} arithmetic`);
    if (least > 0) parts.push(`score from ${least.toFixed(2)}`);
    if (hidden.size) parts.push(`without ${[...hidden].join(", ")}`);
    this.at("#options-summary").textContent = parts.join(" · ");
  }
};
