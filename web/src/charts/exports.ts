/** A chart as a file: a picture with its title, or its numbers. */

import { download } from "@/format";
import { csvOf } from "./rows";
import type { ChartHandle } from "./Chart";
import type { ChartSpec } from "./spec";

const fileName = (name: string, ending: string): string =>
  `${name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-|-$/g, "")}.${ending}`;

export function saveCsv(spec: ChartSpec): void {
  download(fileName(spec.name, "csv"), csvOf(spec));
}

/** The picture as it is seen, on the ground of the page, with its title and unit above. */
export function savePng(spec: ChartSpec, chart: ChartHandle | null, under: string): void {
  const picture = chart?.picture();
  if (!picture) return;
  const style = getComputedStyle(document.documentElement);
  const colour = (role: string): string => style.getPropertyValue(`--${role}`).trim();
  const [margin, head] = [32, 64];
  const canvas = document.createElement("canvas");
  canvas.width = picture.canvas.width + 2 * margin;
  canvas.height = picture.canvas.height + head + margin;
  const pen = canvas.getContext("2d");
  if (!pen) return;
  pen.fillStyle = colour("surface");
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.fillStyle = colour("ink");
  pen.font = `600 26px ${colour("font-text")}`;
  pen.fillText(spec.name, margin, 44);
  const after = margin + pen.measureText(`${spec.name}  `).width;
  pen.fillStyle = colour("ink-3");
  pen.font = `400 24px ${colour("font-text")}`;
  pen.fillText(under, after, 44);
  pen.drawImage(picture.canvas, margin, head);
  canvas.toBlob((blob) => blob && download(fileName(spec.name, "png"), blob, "image/png"));
}
