// Refreshes with tuf-js and downloads the targets named; prints one JSON line: {"paths": {...}} or {"error": "..."}.
// With TUF_TOKEN set, every request of tuf-js's own fetcher carries it as a bearer token.
import { Updater } from 'tuf-js';

const { metadataDir, metadataBaseUrl, targetDir, targetBaseUrl, targets } = JSON.parse(process.argv[2]);
const token = process.env.TUF_TOKEN;
if (token) {
  const plainFetch = globalThis.fetch;
  globalThis.fetch = (url, options = {}) =>
    plainFetch(url, { ...options, headers: { ...options.headers, Authorization: `Bearer ${token}` } });
}
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
  // tuf-js keeps a refusal's HTTP status beside its message
  const status = error.statusCode ? ` (HTTP ${error.statusCode})` : '';
  console.log(JSON.stringify({ error: `${error.name}: ${error.message}${status}` }));
}
