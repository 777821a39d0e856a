/** Builds every `static_src/*.ts` as an entry of its own into `static/`, with hashed names and a manifest for Jinja. */

import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { defineConfig } from "vite";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const entries = Object.fromEntries(
  readdirSync(here("static_src"))
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts") && !name.endsWith(".test.ts"))
    .map((name) => [name.slice(0, -3), here(`static_src/${name}`)]),
);

export default defineConfig({
  root: here("."),
  base: "/static/",
  publicDir: false,
  resolve: { alias: { "@moj-images": here("node_modules/@ministryofjustice/frontend/moj/assets/images") } },
  css: { preprocessorOptions: { scss: { loadPaths: [here("."), here("node_modules")], quietDeps: true } } },
  build: {
    outDir: here("static"),
    emptyOutDir: true,
    manifest: "manifest.json",
    cssMinify: "esbuild", // lightningcss fails on govuk-frontend 6
    assetsInlineLimit: 0, // the content policy allows no data: addresses
    modulePreload: { polyfill: false },
    rollupOptions: { input: entries },
  },
});
