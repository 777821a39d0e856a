/** Sizes, rates and times as people say them. */

export function size(bytes: number): string {
  let value = bytes;
  for (const unit of ["bytes", "kB", "MB", "GB"]) {
    if (value < 1000 || unit === "GB") return `${unit === "bytes" ? value : value.toFixed(1)} ${unit}`;
    value /= 1000;
  }
  return "";
}

export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  if (seconds < 3600) return `${Math.ceil(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.ceil((seconds % 3600) / 60)} min`;
}
