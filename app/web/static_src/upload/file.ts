/** One file on its way: its row on the page and its tus upload. */

import { DetailedError, type PreviousUpload, Upload } from "tus-js-client";

import { csrfToken } from "../shared/api";
import { byId } from "../shared/dom";
import { Rate } from "./rate";
import { duration, size } from "./words";

const ENDPOINT = "/api/v1/uploads";
const PATIENCE_MS = [0, 1000, 3000, 5000, 10_000, 20_000, 30_000, 60_000];

/** Sends "freed" when it needs no connection any more, "wanted" when it wants one again. */
export class FileUpload extends EventTarget {
  readonly row: HTMLElement;
  done = false;
  private readonly upload: Upload;
  private readonly rate = new Rate();

  constructor(
    private readonly file: File,
    exercise: string,
  ) {
    super();
    const template = byId<HTMLTemplateElement>("sending-row");
    this.row = (template.content.cloneNode(true) as DocumentFragment).firstElementChild as HTMLElement;
    this.part("name").textContent = file.name;
    this.part("bar").setAttribute("aria-label", file.name);
    this.upload = new Upload(file, {
      endpoint: ENDPOINT,
      retryDelays: PATIENCE_MS,
      metadata: { filename: file.name, filetype: file.type, exercise },
      // the same file for another exercise is another upload
      fingerprint: () => Promise.resolve(["cordon", exercise, file.name, file.size, file.lastModified].join("|")),
      removeFingerprintOnSuccess: true,
      onBeforeRequest: (request) => request.setHeader("X-CSRF-Token", csrfToken()),
      onProgress: (sent, total) => this.progressed(sent, total ?? file.size),
      onShouldRetry: (error) => this.shouldRetry(error),
      onSuccess: () => this.arrived(),
      onError: (error) => this.failed(error),
    });
    this.on("pause", () => void this.pause());
    this.on("resume", () => this.want());
    this.on("retry", () => this.want());
    this.on("remove", () => void this.giveUp());
    this.say(`${size(file.size)}, waiting`);
    this.offer("pause", "remove");
  }

  get name(): string {
    return this.file.name;
  }

  async start(): Promise<void> {
    this.rate.reset();
    this.say("Starting…");
    this.offer("pause", "remove");
    const earlier: PreviousUpload | undefined = (await this.upload.findPreviousUploads())[0];
    if (earlier && !this.upload.url) this.upload.resumeFromPreviousUpload(earlier);
    this.upload.start();
  }

  /** Says why it is not even tried. */
  refuse(reason: string): void {
    this.row.dataset["state"] = "refused";
    this.say(reason);
    this.offer("remove");
  }

  private want(): void {
    delete this.row.dataset["state"];
    this.say("Waiting…");
    this.offer("pause", "remove");
    this.dispatchEvent(new Event("wanted"));
  }

  private async pause(): Promise<void> {
    await this.upload.abort();
    this.row.dataset["state"] = "paused";
    this.say("Paused. What has arrived is kept.");
    this.offer("resume", "remove");
    this.dispatchEvent(new Event("freed"));
  }

  private async giveUp(): Promise<void> {
    await this.upload.abort(this.upload.url !== null && !this.done).catch(() => undefined);
    this.row.remove();
    this.dispatchEvent(new Event("freed"));
    document.body.dispatchEvent(new Event("files-changed"));
  }

  private progressed(sent: number, total: number): void {
    const rate = this.rate.note(sent);
    const bar = this.part<HTMLProgressElement>("bar");
    bar.max = total;
    bar.value = sent;
    const rest = rate > 0 ? `, ${size(rate)}/s, ${duration((total - sent) / rate)} left` : "";
    this.say(`${size(sent)} of ${size(total)}${rest}`);
  }

  private arrived(): void {
    this.done = true;
    this.row.dataset["state"] = "done";
    const bar = this.part<HTMLProgressElement>("bar");
    bar.value = bar.max;
    this.say("Arrived. What becomes of it is shown below.");
    this.offer();
    this.dispatchEvent(new Event("freed"));
  }

  private failed(error: Error | DetailedError): void {
    this.row.dataset["state"] = "refused";
    this.say(reasonOf(error));
    this.offer("retry", "remove");
    this.dispatchEvent(new Event("freed"));
  }

  /** Waits out whatever may pass; a refusal of the server is shown at once. */
  private shouldRetry(error: DetailedError): boolean {
    const status = error.originalResponse?.getStatus() ?? 0;
    const passing = status === 0 || status >= 500 || [408, 409, 423, 429, 460].includes(status);
    if (passing) this.say("The connection was lost: trying again…");
    return passing;
  }

  private say(text: string): void {
    this.part("facts").textContent = text;
  }

  private offer(...names: string[]): void {
    for (const name of ["pause", "resume", "retry", "remove"]) this.part(name).hidden = !names.includes(name);
  }

  private on(name: string, run: () => void): void {
    this.part(name).addEventListener("click", run);
  }

  private part<T extends HTMLElement>(name: string): T {
    return this.row.querySelector<T>(`[data-part="${name}"]`)!;
  }
}

function reasonOf(error: Error | DetailedError): string {
  const answer = error instanceof DetailedError ? error.originalResponse : null;
  if (!answer) return "The server could not be reached. What has arrived is kept: try again.";
  if (answer.getStatus() === 401 || answer.getStatus() === 403) return "You were signed out: sign in again, then choose the file again. What has arrived is kept.";
  try {
    const problem = JSON.parse(answer.getBody()) as { title?: string; detail?: string };
    return `${problem.title ?? "Refused"}${problem.detail ? `: ${problem.detail}` : ""}`;
  } catch {
    return "The server refused the file: try again.";
  }
}
