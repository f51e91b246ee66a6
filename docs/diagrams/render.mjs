// Render each *.dot in this directory to *.svg, here or in the given directory. See docs/diagrams/README.md.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { instance } from "@viz-js/viz";

const here = dirname(fileURLToPath(import.meta.url));
const target = process.argv[2] ?? here;
const style = readFileSync(join(here, "style.css"), "utf-8");
const viz = await instance();

for (const name of readdirSync(here).filter((file) => file.endsWith(".dot")).sort()) {
  const drawn = viz.renderString(readFileSync(join(here, name), "utf-8"), { format: "svg", engine: "dot" });
  // Drop the header with the renderer's name and build.
  const picture = drawn.slice(drawn.indexOf("<svg"));
  const end = picture.indexOf(">") + 1;
  const head = picture.slice(0, end).replace("<svg", '<svg role="img"');
  const svg = `${head}\n<style>\n${style}</style>${picture.slice(end)}`;
  writeFileSync(join(target, name.replace(/\.dot$/, ".svg")), svg);
}
