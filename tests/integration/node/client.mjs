// Refreshes with tuf-js and downloads the targets named; prints one JSON line: {"paths": {...}} or {"error": "..."}.
import { Updater } from 'tuf-js';

const { metadataDir, metadataBaseUrl, targetDir, targetBaseUrl, targets } = JSON.parse(process.argv[2]);
try {
  const updater = new Updater({
    metadataDir, metadataBaseUrl, targetDir, targetBaseUrl, config: { fetchRetries: 0 },
  });
  await updater.refresh();
  const paths = {};
  for (const target of targets) {
    const info = await updater.getTargetInfo(target);
    if (!info) throw new Error(`no such target: ${target}`);
    paths[target] = await updater.downloadTarget(info);
  }
  console.log(JSON.stringify({ paths }));
} catch (error) {
  console.log(JSON.stringify({ error: `${error.name}: ${error.message}` }));
}
