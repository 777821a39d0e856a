/** Sends chosen files to an exercise: resumable (tus), several at once, each to be paused, taken up and given up. */

import "./uploader.scss";

import { byId } from "./shared/dom";
import { FileUpload } from "./upload/file";
import { size } from "./upload/words";

const AT_ONCE = 2;

const root = byId("uploader");
const exercise = root.dataset["exercise"] ?? "";
const mostBytes = Number(root.dataset["mostBytes"]);
const waiting: FileUpload[] = [];
const running = new Set<FileUpload>();

function announce(text: string): void {
  byId("announce").textContent = text;
}

function take(files: Iterable<File>): void {
  for (const file of files) {
    const upload = new FileUpload(file, exercise);
    byId("sending").append(upload.row);
    upload.addEventListener("freed", () => freed(upload));
    upload.addEventListener("wanted", () => queue(upload));
    if (file.size === 0) upload.refuse("It is empty: export it again from the camera, then send the new file.");
    else if (file.size > mostBytes) upload.refuse(`It is larger than one upload may be (${size(mostBytes)}): split it first.`);
    else queue(upload);
  }
}

function queue(upload: FileUpload): void {
  waiting.push(upload);
  startNext();
}

function startNext(): void {
  while (running.size < AT_ONCE) {
    const next = waiting.shift();
    if (!next) return;
    running.add(next);
    void next.start();
  }
}

/** A file needs its place no longer: it has arrived, was paused, refused or given up. */
function freed(upload: FileUpload): void {
  running.delete(upload);
  const at = waiting.indexOf(upload);
  if (at >= 0) waiting.splice(at, 1);
  if (upload.done) {
    announce(`${upload.name} has arrived`);
    document.body.dispatchEvent(new Event("files-changed"));
  }
  startNext();
}

function wireDrop(drop: HTMLElement): void {
  drop.hidden = false;
  for (const name of ["dragenter", "dragover"])
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.add("cordon-drop--over");
    });
  for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("cordon-drop--over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    take(event.dataTransfer?.files ?? []);
  });
  const choose = byId<HTMLInputElement>("choose");
  choose.addEventListener("change", () => {
    take(choose.files ?? []);
    choose.value = "";
  });
}

wireDrop(byId("drop"));
addEventListener("beforeunload", (event) => {
  if (running.size) event.preventDefault();
});
