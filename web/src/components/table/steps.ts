/** The row that a key leads to; undefined when the key does not move. */
export function stepped(key: string, active: number, total: number, page: number): number | undefined {
  const last = total - 1;
  if (last < 0) return undefined;
  switch (key) {
    case "ArrowDown":
    case "j":
      return Math.min(active + 1, last);
    case "ArrowUp":
    case "k":
      return Math.max(active - 1, 0);
    case "PageDown":
      return Math.min(active + page, last);
    case "PageUp":
      return Math.max(active - page, 0);
    case "Home":
      return 0;
    case "End":
      return last;
    default:
      return undefined;
  }
}
