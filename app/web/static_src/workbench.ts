/** The workbench: one clip, shown to the frame, and the labels drawn on it. */

import "./workbench.scss";

import { call } from "./shared/api";
import { byId, maybe } from "./shared/dom";
import { Bench } from "./workbench/bench";
import { Boxes } from "./workbench/boxes";
import { Frames, clock } from "./workbench/frames";
import { fillTable, keysAreOn, listen, switchKeys } from "./workbench/keys";
import { Panel, showMeanings } from "./workbench/panel";
import { Player } from "./workbench/player";
import { type SaveState, Saver } from "./workbench/saver";
import { Store } from "./workbench/store";
import { Timeline } from "./workbench/timeline";
import type { Assignment, FrameList, Label } from "./workbench/types";

const SAID: Record<SaveState, string> = {
  saved: "Saved",
  unsaved: "Not saved yet",
  saving: "Saving…",
  offline: "No connection: your edits are kept here and sent as soon as it is back",
  "signed-out": "Signed out: sign in again in another tab; your edits are kept here",
  refused: "Not saved",
  conflict: "Changed elsewhere: choose which labels stay",
};
const BOX_COLOUR = 5;

const root = byId("workbench");
const video = byId<HTMLVideoElement>("video");
const editable = root.dataset["editable"] === "yes";

function show(state: SaveState, detail = ""): void {
  const line = byId("state");
  line.textContent = detail ? `${SAID[state]}: ${detail}` : SAID[state];
  line.dataset["state"] = state;
}

async function load(): Promise<void> {
  const [assignment, list] = await Promise.all([
    call("GET", `/api/v1/assignments/${root.dataset["assignment"]}`).then((r) => r.json() as Promise<Assignment>),
    call("GET", `/api/v1/clips/${root.dataset["clip"]}/frames`).then((r) => r.json() as Promise<FrameList>),
  ]);
  const store = new Store();
  store.reset(assignment.annotations);
  const player = new Player(video, new Frames(list));
  const colours = (root.dataset["events"] ?? "").split(" ");
  const colourOf = (label: string): string => String(colours.includes(label) ? colours.indexOf(label) % 12 : BOX_COLOUR);
  const boxes = new Boxes(document.querySelector<SVGSVGElement>("#boxes")!, store, player, colourOf, editable);
  new Timeline(byId("timeline"), byId("ruler"), byId("rows"), store, player, colourOf, editable);
  new Panel(store, player, assignment.taxonomy, colourOf, editable);
  const bench = new Bench(store, player, boxes, video);
  wire(bench, boxes, player);
  if (editable) keepSaved(store, assignment);
  video.addEventListener("loadedmetadata", () => {
    byId("screen").style.setProperty("--ratio", String(video.videoWidth / video.videoHeight));
  });
  video.src = `/api/v1/clips/${root.dataset["clip"]}/media`;
  root.dataset["ready"] = "yes";
}

function wire(bench: Bench, boxes: Boxes, player: Player): void {
  const commands = bench.commands().filter((command) => editable || !command.edits);
  listen(commands);
  fillTable(byId("key-rows"), commands);
  const actions = bench.actions();
  for (const button of document.querySelectorAll<HTMLElement>("[data-do]"))
    button.addEventListener("click", () => actions[button.dataset["do"] ?? ""]?.());
  for (const button of document.querySelectorAll<HTMLElement>("#events [data-label]"))
    button.addEventListener("click", () => bench.event(button.dataset["label"] ?? ""));
  showMeanings();
  maybe("draw")?.addEventListener("click", () => boxes.arm(!boxes.drawing));
  boxes.addEventListener("armed", () => maybe("draw")?.setAttribute("aria-pressed", String(boxes.drawing)));
  maybe("add-box")?.addEventListener("click", () => bench.addTrack([0.4, 0.35, 0.2, 0.3]));
  byId("help-open").addEventListener("click", () => byId<HTMLDialogElement>("help").showModal());
  wireSettings(bench);
  const tell = (): void => {
    byId("clock").textContent = `frame ${player.frame} · ${clock(player.frames.timeOf(player.frame))}`;
  };
  player.addEventListener("frame", tell);
  player.addEventListener("state", () => {
    byId("play").querySelector('[data-part="play-text"]')!.textContent = player.playing ? "Pause" : "Play";
  });
  tell();
}

function wireSettings(bench: Bench): void {
  const keysOn = byId<HTMLInputElement>("keys-on");
  keysOn.checked = keysAreOn();
  keysOn.addEventListener("change", () => switchKeys(keysOn.checked));
  byId("speed").addEventListener("change", () => {
    video.playbackRate = Number(byId<HTMLSelectElement>("speed").value);
  });
  byId("loop").addEventListener("change", () => bench.followLoop());
  byId("sound").addEventListener("change", () => {
    video.muted = !byId<HTMLInputElement>("sound").checked;
  });
  byId("soften").addEventListener("change", () => {
    byId("screen").dataset["soften"] = byId<HTMLSelectElement>("soften").value;
  });
}

function keepSaved(store: Store, assignment: Assignment): void {
  const choose = (mine: Label[], stored: Assignment): Promise<"mine" | "theirs"> => {
    const dialog = byId<HTMLDialogElement>("conflict");
    byId("conflict-mine").textContent = `${mine.length} labels`;
    byId("conflict-theirs").textContent = `${stored.annotations.length} labels`;
    dialog.returnValue = "mine";
    dialog.showModal();
    return new Promise((resolve) => {
      const close = (): void => resolve(dialog.returnValue === "theirs" ? "theirs" : "mine");
      dialog.addEventListener("close", close, { once: true });
    });
  };
  const saver = new Saver(assignment.id, assignment.version, {
    labels: () => store.labels,
    show,
    choose,
    take: (stored) => {
      store.reset(stored.annotations);
      store.dispatchEvent(new Event("select"));
    },
  });
  store.addEventListener("labels", () => saver.edited());
  show("saved");
  restore(saver, store);
  const form = byId<HTMLFormElement>("submit-form");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void saver.flush().then((stored) => {
      if (!stored) return;
      form.querySelector<HTMLInputElement>('[name="version"]')!.value = String(saver.version);
      form.submit();
    });
  });
}

/** Takes up what an earlier visit could not save; made on an older version it goes through the same conflict. */
function restore(saver: Saver, store: Store): void {
  const draft = saver.draft;
  if (!draft) return;
  saver.version = draft.version;
  store.reset(draft.labels);
  saver.edited();
}

load().catch((error: unknown) => {
  byId("state").textContent = `This clip cannot be shown: ${error instanceof Error ? error.message : String(error)}`;
  byId("state").dataset["state"] = "refused";
});
