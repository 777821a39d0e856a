/** Files as they are chosen or dropped, folders searched; what is no footage in a folder is left out, and counted. */

export interface Chosen {
  file: File;
  /** Its place below the folder that was chosen, "" for a file chosen by itself. */
  path: string;
}

const FOOTAGE = /\.(mp4|m4v|mov|mkv|avi|mts|m2ts|ts|mpg|mpeg|wmv|asf|webm|3gp|mxf|flv|vob)$/i;

export function isFootage(file: File): boolean {
  return file.type.startsWith("video/") || FOOTAGE.test(file.name);
}

export function ofInput(input: HTMLInputElement): Chosen[] {
  return [...(input.files ?? [])].map((file) => ({ file, path: file.webkitRelativePath }));
}

/** Everything that was dropped, the files of folders with their paths. */
export async function ofDrop(data: DataTransfer): Promise<Chosen[]> {
  const entries = [...data.items].map((item) => item.webkitGetAsEntry()); // before the first wait: they are gone after it
  const loose = [...data.files];
  const found: Chosen[] = [];
  for (const [at, entry] of entries.entries()) {
    const file = loose[at];
    if (entry) await search(entry, "", found);
    else if (file) found.push({ file, path: "" });
  }
  return found;
}

async function search(entry: FileSystemEntry, above: string, found: Chosen[]): Promise<void> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    found.push({ file, path: above && `${above}/${file.name}` });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const place = above ? `${above}/${entry.name}` : entry.name;
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return; // it hands out a hundred at a time
    for (const one of some) await search(one, place, found);
  }
}
