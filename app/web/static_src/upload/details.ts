/** What is said of each file: of all at once, of one by itself, and what its name and folder let suppose. */

import { byId } from "../shared/dom";

export const NAMES = ["camera", "started_at", "clock_offset_seconds", "viewpoint", "reference", "notes"] as const;
export type Name = (typeof NAMES)[number];
export type Said = Record<Name, string>;
type Field = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

// As cameras and evidence systems name their files: 20260314_101500, 2026-03-14_10-15, 2026-03-14T10.15.00
const TIME_IN_NAME = /(20\d\d)[-_.]?([01]\d)[-_.]?([0-3]\d)[-_. T]{1,2}([0-2]\d)[-_.:]?([0-5]\d)(?:[-_.:]?([0-5]\d))?(?!\d)/;

/** When the file's name says that it began, as an input of a local time takes it; "" where it says nothing. */
export function startInName(name: string): string {
  const found = TIME_IN_NAME.exec(name);
  if (!found) return "";
  const [, year, month, day, hour, minute, second] = found;
  const text = `${year}-${month}-${day}T${hour}:${minute}:${second ?? "00"}`;
  return Number.isNaN(Date.parse(text)) ? "" : text;
}

/** The camera that a folder is named after: the one that the file lies in, where it is not the only one chosen. */
export function cameraOfFolder(relativePath: string | null | undefined): string {
  const folders = (relativePath ?? "").split("/").slice(0, -1).filter(Boolean);
  return folders.length > 1 ? (folders[folders.length - 1] ?? "") : "";
}

/** How far this machine's zone is from UTC at that moment, as ISO 8601 writes it. */
function offsetAt(moment: Date): string {
  const minutes = -moment.getTimezoneOffset();
  const two = (value: number): string => String(Math.trunc(Math.abs(value))).padStart(2, "0");
  return `${minutes < 0 ? "-" : "+"}${two(minutes / 60)}:${two(minutes % 60)}`;
}

/** A local time with the offset that it has on this machine, as ISO 8601. */
export function withOffset(local: string): string {
  if (!local) return "";
  const seconds = local.length === 16 ? ":00" : "";
  return `${local}${seconds}${offsetAt(new Date(local))}`;
}

/** Says wherever a time is asked for which zone it is taken in: summer and winter differ, so at that time. */
export function sayZone(scope: ParentNode, local: string): void {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const offset = offsetAt(local ? new Date(local) : new Date());
  for (const said of scope.querySelectorAll("[data-zone]"))
    said.textContent = `${zone} (UTC${offset} ${local ? "at that time" : "today"})`;
}

export function fields(scope: ParentNode): Field[] {
  return [...scope.querySelectorAll<Field>("[data-detail]")];
}

function nameOf(field: Field): Name {
  return field.dataset["detail"] as Name;
}

/** What the form above the list says of every file. */
export function saidOfAll(): Said {
  const said = Object.fromEntries(NAMES.map((name) => [name, ""])) as Said;
  for (const field of fields(byId("of-all"))) said[nameOf(field)] = field.value.trim();
  return said;
}

/** One file's details: its own where the person gave them, else those of all, else what its name lets suppose. */
export class Details {
  private readonly own: Partial<Said> = {};

  constructor(private readonly supposed: Partial<Said>) {}

  get said(): Said {
    const all = saidOfAll();
    const pick = (name: Name): string => this.own[name] ?? (all[name] || (this.supposed[name] ?? ""));
    return Object.fromEntries(NAMES.map((name) => [name, pick(name)])) as Said;
  }

  /** As the server takes them: members without a value left out, the start with its offset. */
  get sent(): Record<string, string> {
    const said = this.said;
    const sent = { ...said, started_at: withOffset(said.started_at) };
    return Object.fromEntries(Object.entries(sent).filter(([, value]) => value !== ""));
  }

  /** Shows them in a form and takes up what is typed there. */
  edit(form: ParentNode): void {
    this.show(form);
    for (const field of fields(form))
      field.addEventListener("input", () => {
        this.own[nameOf(field)] = field.value.trim();
        sayZone(form, this.said.started_at);
      });
  }

  show(form: ParentNode): void {
    const said = this.said;
    for (const field of fields(form)) if (field !== document.activeElement) field.value = said[nameOf(field)];
    sayZone(form, said.started_at);
  }
}
