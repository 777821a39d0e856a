/** The labels on the workbench, what is selected, and undo. Everything that changes goes through here. */

import { keyed, plain } from "./edits";
import type { Item, Label } from "./types";

const DEPTH = 500;

/** Sends "labels" when labels changed (not at `reset`), "select" when the selection did. */
export class Store extends EventTarget {
  items: readonly Item[] = [];
  selectedKey: string | null = null;
  private past: (readonly Item[])[] = [];
  private future: (readonly Item[])[] = [];

  get selected(): Item | null {
    return this.items.find((item) => item.key === this.selectedKey) ?? null;
  }

  get canUndo(): boolean {
    return this.past.length > 0;
  }

  get canRedo(): boolean {
    return this.future.length > 0;
  }

  /** The whole set as the API takes it. */
  get labels(): Label[] {
    return this.items.map(plain);
  }

  /** Starts anew from what is stored. */
  reset(labels: readonly Label[]): void {
    this.items = sorted(labels.map(keyed));
    this.past = [];
    this.future = [];
    this.selectedKey = null;
    this.dispatchEvent(new Event("select"));
  }

  add(label: Label): Item {
    const item = keyed(label);
    this.commit([...this.items, item]);
    this.select(item.key);
    return item;
  }

  /** Changes one label. `amend` joins the change to the one before it, so that undo takes both back. */
  change(key: string, edit: (item: Item) => Item, amend = false): void {
    const before = this.items.find((item) => item.key === key);
    if (!before) return;
    const after = edit(before);
    if (JSON.stringify(after) === JSON.stringify(before)) return;
    this.commit(
      this.items.map((item) => (item.key === key ? after : item)),
      amend,
    );
  }

  remove(key: string): void {
    this.commit(this.items.filter((item) => item.key !== key));
    if (this.selectedKey === key) this.select(null);
  }

  select(key: string | null): void {
    this.selectedKey = key;
    this.dispatchEvent(new Event("select"));
  }

  /** Selects the next (or previous) interval in order of time. */
  selectNeighbour(step: 1 | -1): void {
    const listed = this.items.filter((item) => item.kind !== "tag");
    const at = listed.findIndex((item) => item.key === this.selectedKey);
    const next = at < 0 ? (step === 1 ? 0 : listed.length - 1) : (at + step + listed.length) % listed.length;
    this.select(listed[next]?.key ?? null);
  }

  undo(): void {
    this.travel(this.past, this.future);
  }

  redo(): void {
    this.travel(this.future, this.past);
  }

  private travel(from: (readonly Item[])[], to: (readonly Item[])[]): void {
    const items = from.pop();
    if (!items) return;
    to.push(this.items);
    this.items = items;
    this.changed();
  }

  private commit(items: readonly Item[], amend = false): void {
    if (!amend) this.past = [...this.past.slice(-DEPTH), this.items];
    this.future = [];
    this.items = sorted(items);
    this.changed();
  }

  private changed(): void {
    this.dispatchEvent(new Event("labels"));
    this.dispatchEvent(new Event("select"));
  }
}

function sorted(items: readonly Item[]): Item[] {
  return [...items].sort((a, b) => a.start_frame - b.start_frame || a.end_frame - b.end_frame);
}
