/** The side: tags as checkboxes, the list of labels, and the selected one's fields. */

import { byId, make, maybe } from "../shared/dom";
import { boxAt, withBox, withEnd, withStart } from "./edits";
import { clock } from "./frames";
import type { Player } from "./player";
import type { Store } from "./store";
import type { Box, Item, Taxonomy } from "./types";

const BOX_PARTS = ["x", "y", "w", "h"] as const;

export class Panel {
  private readonly inspector = byId("inspector");
  private readonly list = byId<HTMLOListElement>("list");

  constructor(
    private readonly store: Store,
    private readonly player: Player,
    private readonly taxonomy: Taxonomy,
    private readonly colourOf: (label: string) => string,
    private readonly editable: boolean,
  ) {
    store.addEventListener("labels", () => this.draw());
    store.addEventListener("select", () => this.draw());
    player.addEventListener("frame", () => this.drawBox());
    for (const box of byId("tags").querySelectorAll<HTMLInputElement>("input"))
      box.addEventListener("change", () => this.toggleTag(box));
    this.wireFields();
    this.draw();
  }

  /** Turns a tag of the whole clip on or off. */
  toggleTag(box: HTMLInputElement): void {
    const found = this.store.items.find((item) => item.kind === "tag" && item.label === box.value);
    const { first: start_frame, end: end_frame } = this.player.frames;
    if (!box.checked && found) this.store.remove(found.key);
    if (!box.checked || found) return;
    const selected = this.store.selectedKey;
    this.store.add({ kind: "tag", label: box.value, start_frame, end_frame, keyframes: null, attributes: {} });
    this.store.select(selected);
  }

  private wireFields(): void {
    const { first, end } = this.player.frames;
    const change = (edit: (item: Item) => Item): void => {
      if (this.store.selectedKey) this.store.change(this.store.selectedKey, edit);
    };
    const number = (id: string): number => byId<HTMLInputElement>(id).valueAsNumber;
    const on = (id: string, run: () => void): void => byId(id).addEventListener("change", run);
    on("selected-label", () => change((item) => ({ ...item, label: byId<HTMLSelectElement>("selected-label").value })));
    on("selected-start", () => change((item) => withStart(item, number("selected-start"), first)));
    on("selected-end", () => change((item) => withEnd(item, number("selected-end") + 1, end)));
    for (const part of BOX_PARTS)
      on(`box-${part}`, () => {
        const box = BOX_PARTS.map((name) => (number(`box-${name}`) || 0) / 100) as unknown as Box;
        change((item) => withBox(item, this.player.frame, box, byId<HTMLInputElement>("outside").checked));
      });
    on("outside", () => {
      const { frame } = this.player;
      change((item) => withBox(item, frame, boxAt(item, frame).box, byId<HTMLInputElement>("outside").checked));
    });
    for (const field of this.inspector.querySelectorAll<HTMLInputElement>("input, select, button"))
      if (!this.editable && field.dataset["do"] !== "goto") field.disabled = true;
  }

  private draw(): void {
    for (const box of byId("tags").querySelectorAll<HTMLInputElement>("input"))
      box.checked = this.store.items.some((item) => item.kind === "tag" && item.label === box.value);
    const intervals = this.store.items.filter((item) => item.kind !== "tag");
    byId("count").textContent = String(this.store.items.length);
    const focused = (document.activeElement as HTMLElement | null)?.dataset["listed"];
    this.list.replaceChildren(...intervals.map((item) => this.entry(item)));
    if (focused) this.list.querySelector<HTMLElement>(`[data-listed="${focused}"]`)?.focus();
    for (const name of ["undo", "redo"] as const) {
      const button = document.querySelector<HTMLButtonElement>(`[data-do="${name}"]`);
      if (button) button.disabled = name === "undo" ? !this.store.canUndo : !this.store.canRedo;
    }
    this.drawInspector();
  }

  private entry(item: Item): HTMLLIElement {
    const { frames } = this.player;
    const entry = make("li", "wb-list__item");
    const button = make("button", "wb-list__button");
    button.type = "button";
    button.dataset["listed"] = item.key;
    button.dataset["colour"] = this.colourOf(item.label);
    button.setAttribute("aria-pressed", String(item.key === this.store.selectedKey));
    const from = clock(frames.timeOf(item.start_frame));
    button.append(
      make("span", "wb-list__label", item.label.replaceAll("_", " ")),
      make("span", "wb-list__span", `${item.start_frame}–${item.end_frame - 1}`),
      make("span", "wb-list__time", from),
    );
    button.addEventListener("click", () => {
      this.store.select(item.key);
      this.player.seek(item.start_frame);
    });
    entry.append(button);
    return entry;
  }

  private drawInspector(): void {
    const item = this.store.selected;
    this.inspector.hidden = !item || item.kind === "tag";
    if (!item || item.kind === "tag") return;
    const select = byId<HTMLSelectElement>("selected-label");
    const section = item.kind === "event" ? "events" : "tracks";
    const names = Object.keys(this.taxonomy.definition[section]);
    select.replaceChildren(...names.map((name) => new Option(name.replaceAll("_", " "), name)));
    select.value = item.label;
    byId<HTMLInputElement>("selected-start").valueAsNumber = item.start_frame;
    byId<HTMLInputElement>("selected-end").valueAsNumber = item.end_frame - 1;
    byId("box-fields").hidden = item.kind !== "track";
    this.drawBox();
  }

  private drawBox(): void {
    const item = this.store.selected;
    if (item?.kind !== "track") return;
    const { frame } = this.player;
    const { box, outside, exact } = boxAt(item, frame);
    const within = this.editable && item.start_frame <= frame && frame < item.end_frame;
    BOX_PARTS.forEach((part, index) => {
      const field = byId<HTMLInputElement>(`box-${part}`);
      field.valueAsNumber = Math.round((box[index] ?? 0) * 1000) / 10;
      field.disabled = !within;
    });
    byId<HTMLInputElement>("outside").checked = outside;
    byId<HTMLInputElement>("outside").disabled = !within;
    const drop = document.querySelector<HTMLButtonElement>('[data-do="drop-keyframe"]');
    if (drop) drop.disabled = !within || !exact || frame === item.start_frame;
  }
}

/** Shows a label's definition while its button is pointed at or focused. */
export function showMeanings(): void {
  const meaning = maybe("meaning");
  for (const button of document.querySelectorAll<HTMLElement>("[data-meaning]"))
    for (const name of ["pointerenter", "focus"])
      button.addEventListener(name, () => {
        if (meaning) meaning.textContent = button.dataset["meaning"] ?? "";
      });
}
