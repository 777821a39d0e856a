/** A file's row on the page: what it is called, how far it is, what can be done, and what is said of it. */

import { byId } from "../shared/dom";
import type { Details } from "./details";
import { Rate } from "./rate";
import { duration, size } from "./words";

export type State = "chosen" | "problem" | "sending" | "paused" | "done" | "failed" | "left";
const BUTTONS = ["pause", "resume", "retry", "remove", "drop"]; // remove gives up what is sent, drop what is only chosen
const OFFERS: Record<State, string[]> = {
  chosen: ["drop"],
  problem: ["drop"],
  sending: ["pause", "remove"],
  paused: ["resume", "remove"],
  failed: ["retry", "remove"],
  left: ["remove"],
  done: [],
};

/** Sends "pause", "resume", "retry" and "remove" when their buttons are pressed. */
export class Row extends EventTarget {
  readonly element: HTMLElement;
  private readonly rate = new Rate();
  private form: HTMLElement | null = null;

  constructor(
    readonly name: string,
    readonly total: number,
    readonly details: Details,
  ) {
    super();
    const template = byId<HTMLTemplateElement>("sending-row");
    this.element = (template.content.cloneNode(true) as DocumentFragment).firstElementChild as HTMLElement;
    this.part("name").textContent = name;
    const bar = this.part<HTMLProgressElement>("bar");
    bar.setAttribute("aria-label", name);
    bar.max = total || 1;
    for (const what of BUTTONS) {
      const button = this.part(what);
      button.querySelector("span")!.textContent = `: ${name}`;
      button.addEventListener("click", () => this.dispatchEvent(new Event(what === "drop" ? "remove" : what)));
    }
    this.part("details").addEventListener("toggle", () => this.openDetails());
    this.show("chosen", size(total));
  }

  get state(): State {
    return this.element.dataset["state"] as State;
  }

  show(state: State, text: string): void {
    const focused = this.element.contains(document.activeElement) && document.activeElement?.tagName === "BUTTON";
    this.element.dataset["state"] = state;
    this.part("facts").textContent = text;
    for (const name of BUTTONS)
      this.part(name).hidden = !OFFERS[state].includes(name);
    this.part("details").hidden = !["chosen", "problem"].includes(state);
    if (state !== "sending") this.rate.reset();
    // the button that was pressed may be gone: the next one takes its place
    if (focused && document.activeElement === document.body) this.element.querySelector<HTMLElement>("button:not([hidden])")?.focus();
  }

  progressed(sent: number): void {
    if (this.state !== "sending") return;
    const rate = this.rate.note(sent);
    this.part<HTMLProgressElement>("bar").value = sent;
    const rest = rate > 0 ? `, ${size(rate)}/s, ${duration((this.total - sent) / rate)} left` : "";
    this.part("facts").textContent = `${size(sent)} of ${size(this.total)}${rest}`;
  }

  /** Points to what is wrong; opened, where the person can mend it here. */
  complain(text: string, mendable: boolean): void {
    this.show("problem", text);
    if (mendable) this.part<HTMLDetailsElement>("details").open = true;
  }

  link(text: string, href: string): void {
    const link = document.createElement("a");
    link.className = "govuk-link";
    link.href = href;
    link.textContent = text;
    this.part("facts").append(" ", link);
  }

  full(): void {
    const bar = this.part<HTMLProgressElement>("bar");
    bar.value = bar.max;
  }

  /** Shows again what the form above the list says of all. */
  refresh(): void {
    if (this.form) this.details.show(this.form);
  }

  private openDetails(): void {
    if (this.form) return;
    const template = byId<HTMLTemplateElement>("details-of-one");
    this.form = (template.content.cloneNode(true) as DocumentFragment).firstElementChild as HTMLElement;
    this.part("details").append(this.form);
    this.details.edit(this.form);
  }

  private part<T extends HTMLElement>(name: string): T {
    return this.element.querySelector<T>(`[data-part="${name}"]`)!;
  }
}
