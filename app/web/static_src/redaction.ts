/** The review of a redaction: what is proposed, drawn over the film; places and voices added by hand.
 *
 * Every decision is a plain form that works without this script; htmx sends it and swaps the review, and this script
 * draws what is stored then.
 */

import "./redaction.scss";

import { Draft } from "./redaction/draft";
import { Overlay } from "./redaction/overlay";
import type { Redaction } from "./redaction/types";
import { call } from "./shared/api";
import { byId, maybe } from "./shared/dom";
import { Frames, clock } from "./workbench/frames";
import { Player } from "./workbench/player";
import type { FrameList } from "./workbench/types";

const root = byId("redaction");
const id = root.dataset["redaction"] ?? "";

function fetched<T>(path: string): Promise<T> {
  return call("GET", path).then((answer) => answer.json() as Promise<T>);
}

async function load(): Promise<void> {
  const [stored, list] = await Promise.all([
    fetched<Redaction>(`/api/v1/redactions/${id}`),
    fetched<FrameList>(`/api/v1/redactions/${id}/frames`),
  ]);
  const film = byId<HTMLVideoElement>("film");
  fit(film);
  const player = new Player(film, new Frames(list));
  const overlay = new Overlay(document.querySelector<SVGSVGElement>("#places")!, player);
  const draft = new Draft(player, overlay);
  overlay.show(stored.regions);
  player.addEventListener("frame", () => tell(player));
  for (const button of document.querySelectorAll<HTMLElement>("[data-step]"))
    button.addEventListener("click", () => player.step(Number(button.dataset["step"])));
  enhance(player, overlay, draft);
  document.body.addEventListener("htmx:afterSwap", () => {
    enhance(player, overlay, draft);
    void fetched<Redaction>(`/api/v1/redactions/${id}`).then((now) => overlay.show(now.regions));
  });
  // a refusal is the review with its reason: shown like any answer
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    const { detail } = event as CustomEvent<{ xhr: XMLHttpRequest; shouldSwap: boolean; isError: boolean }>;
    if (detail.xhr.status !== 422) return;
    detail.shouldSwap = true;
    detail.isError = false;
  });
  byId("transport").hidden = false;
  tell(player);
  root.dataset["ready"] = "yes";
}

/** Gives the screen the picture's own ratio, so that shares of the one are shares of the other. */
function fit(film: HTMLVideoElement): void {
  const set = (): void => byId("screen").style.setProperty("--ratio", String(film.videoWidth / film.videoHeight));
  if (film.videoWidth) set();
  else film.addEventListener("loadedmetadata", set, { once: true });
}

function tell(player: Player): void {
  byId("clock").textContent = `frame ${player.frame} · ${clock(player.frames.timeOf(player.frame))}`;
}

/** What the review's forms gain where this script runs; again after each swap, which brings new ones. */
function enhance(player: Player, overlay: Overlay, draft: Draft): void {
  for (const button of document.querySelectorAll<HTMLButtonElement>("[data-show]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      overlay.select(button.dataset["show"] ?? "");
      player.seek(Number(button.dataset["frame"]));
    });
  }
  if (maybe("draw-form")) draft.take();
}

load().catch((error: unknown) => {
  byId("clock").textContent = `The film cannot be shown: ${error instanceof Error ? error.message : String(error)}`;
});
