/** Sends chosen files and folders to an exercise: said of, checked, resumable, each to be paused and given up. */

import "./uploader.scss";

import { Refused } from "./shared/api";
import { byId } from "./shared/dom";
import { type Chosen, isFootage, ofDrop, ofInput } from "./upload/chosen";
import { sayZone } from "./upload/details";
import { List } from "./upload/list";

const root = byId("uploader");
const send = byId<HTMLButtonElement>("send");
const direct = root.dataset["way"] === "direct";
const list = new List(root.dataset["exercise"] ?? "", direct, Number(root.dataset["rememberHours"]), changed);

function changed(news = ""): void {
  if (news) byId("announce").textContent = news;
  const waiting = list.count("chosen", "problem");
  if (pointing && list.count("problem") === 0) tell("");
  byId("prepare").hidden = waiting === 0;
  send.textContent = `Check and send ${waiting} file${waiting === 1 ? "" : "s"}`;
}

let pointing = false; // what is told points to files with problems, and goes with the last of them

function tell(text: string, toProblems = false): void {
  byId("told").textContent = text;
  pointing = toProblems;
}

/** Of a folder, what is no footage is left out; a file that was chosen by name is what the person means. */
function take(chosen: Chosen[], byName: boolean): void {
  const wanted = chosen.filter(({ file }) => byName || isFootage(file));
  const left = chosen.length - wanted.length;
  tell(left ? `${left} file${left === 1 ? " is" : "s are"} no footage and left out.` : "");
  list.add(wanted);
}

function wireChoosing(drop: HTMLElement): void {
  for (const name of ["dragenter", "dragover"])
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.add("cordon-drop--over");
    });
  for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("cordon-drop--over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer) void ofDrop(event.dataTransfer).then((found) => take(found, false));
  });
  for (const name of ["choose", "choose-folder"]) {
    const input = byId<HTMLInputElement>(name);
    input.addEventListener("change", () => {
      take(ofInput(input), name === "choose");
      input.value = "";
    });
  }
  drop.hidden = false;
}

async function checkAndSend(): Promise<void> {
  send.disabled = true;
  tell("");
  try {
    await list.send();
    const wrong = list.count("problem");
    if (wrong) tell(`${wrong} file${wrong === 1 ? " needs" : "s need"} a look: see below. The others are being sent.`, true);
  } catch (error) {
    tell(error instanceof Refused ? error.detail : "The server could not be reached: try again.");
  } finally {
    send.disabled = false;
  }
}

wireChoosing(byId("drop"));
sayZone(byId("of-all"), "");
send.addEventListener("click", () => void checkAndSend());
byId("of-all").addEventListener("input", () => list.refresh());
addEventListener("beforeunload", (event) => {
  if (list.count("chosen", "problem", "sending", "paused")) event.preventDefault();
});
