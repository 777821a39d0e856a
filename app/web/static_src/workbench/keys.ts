/** Which key does what, once: for the keyboard and for the table in the help. */

export interface Command {
  /** As a person reads it, and matched against the event: "Shift+ArrowLeft", "i", "Control+z". */
  keys: readonly string[];
  says: string;
  run: () => void;
  /** False where labels can only be read. */
  edits: boolean;
}

const SLOT = "cordon.keys";
const TYPING = "input:not([type=checkbox]), textarea, select";
const NAMES: Record<string, string> = { " ": "Space", ArrowLeft: "←", ArrowRight: "→", Control: "Ctrl", Delete: "Del" };

/** Whether single keys work: a choice of the person's, for aids that type letters (WCAG 2.1.4). */
export function keysAreOn(): boolean {
  return localStorage.getItem(SLOT) !== "off";
}

export function switchKeys(on: boolean): void {
  localStorage.setItem(SLOT, on ? "on" : "off");
}

export function listen(commands: readonly Command[]): void {
  const byKey = new Map(commands.flatMap((command) => command.keys.map((key) => [key, command] as const)));
  document.addEventListener("keydown", (event) => {
    const target = event.target as HTMLElement;
    if (target.closest("dialog") || target.matches(TYPING) || event.altKey || event.isComposing) return;
    const held = event.ctrlKey || event.metaKey;
    if (!keysAreOn() && !held) return;
    if ((event.key === " " || event.key === "Enter") && target.matches("button, a, summary, input")) return;
    const command = byKey.get(named(event));
    if (!command) return;
    event.preventDefault();
    command.run();
  });
}

function named(event: KeyboardEvent): string {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const letter = /^[a-z]$/.test(key) || key.length > 1;
  const shift = event.shiftKey && letter ? "Shift+" : ""; // for other keys, what was typed says it: "?"
  return `${event.ctrlKey || event.metaKey ? "Control+" : ""}${shift}${key}`;
}

export function fillTable(body: HTMLElement, commands: readonly Command[]): void {
  for (const command of commands) {
    const row = document.createElement("tr");
    const keys = document.createElement("td");
    command.keys.forEach((key, index) => {
      const cap = document.createElement("kbd");
      cap.textContent = readable(key);
      keys.append(...(index ? [" or ", cap] : [cap]));
    });
    const says = document.createElement("td");
    says.textContent = command.says;
    row.append(keys, says);
    body.append(row);
  }
}

function readable(key: string): string {
  const parts = key === "+" ? ["+"] : key.split("+");
  return parts.map((part) => NAMES[part] ?? (part.length === 1 ? part.toUpperCase() : part)).join(" ");
}
