import { useEffect, useMemo, useState, type CSSProperties } from "react";
import { Body } from "./Body";
import { fitting, type Column } from "./columns";
import { Head } from "./Head";
import styles from "./table.module.css";

export interface TableProps<Row> {
  /** What the table holds, for those who listen. */
  label: string;
  columns: readonly Column<Row>[];
  /** The rows that are here; there may be more of them. */
  rows: readonly Row[];
  /** How many rows there are in all; those that are not here are drawn as waiting. */
  total?: number;
  rowKey: (row: Row) => string;
  /** The key sorted by now. */
  sort?: string;
  onSort?: (sort: string) => void;
  /** Where a click on a row leads; its first cell is the link. */
  href?: (row: Row) => string;
  /** What a click on a row does, where it does not lead anywhere. */
  onOpen?: (row: Row) => void;
  selected?: (row: Row) => boolean;
  /** Told the last row in view, also one that is not here yet. */
  onReach?: (index: number) => void;
  /** Take the height that the parent gives, and scroll inside. */
  fill?: boolean;
  rowHeight?: number;
  /** Narrowest the table gets before it scrolls sideways, pixels. */
  minWidth?: number;
}

const ROW_HEIGHT = 32;

/** A table that draws only the rows in view, with sorting, links and arrow keys. */
export function Table<Row>(props: TableProps<Row>) {
  const {
    label,
    columns,
    rows,
    sort = "",
    onSort,
    fill = false,
    minWidth = 0,
    rowHeight = ROW_HEIGHT,
  } = props;
  // A state, not a ref: the rows need it at their first layout, which comes before the ref of their parent is set.
  const [scroll, setScroll] = useState<HTMLDivElement | null>(null);
  const width = useWidth(scroll);
  const shown = useMemo(() => fitting(columns, width), [columns, width]);
  const total = Math.max(props.total ?? rows.length, rows.length);
  const style: CSSProperties & Record<"--row-height", string> = {
    "--row-height": `${rowHeight}px`,
    minWidth: minWidth || undefined,
  };
  return (
    <div
      ref={setScroll}
      className={`${styles.scroll} ${fill ? styles.fill : ""}`}
      role="region"
      aria-label={label}
    >
      <table className={styles.table} aria-label={label} aria-rowcount={total + 1} style={style}>
        <colgroup>
          {shown.map((column) => (
            <col key={column.id} style={column.width ? { width: column.width } : undefined} />
          ))}
        </colgroup>
        <Head columns={shown} sort={sort} onSort={onSort} />
        <Body {...props} columns={shown} total={total} rowHeight={rowHeight} scroll={scroll} />
      </table>
    </div>
  );
}

/** How wide an element is; as wide as can be until it is known, so that no column is missing without a layout. */
function useWidth(element: HTMLElement | null): number {
  const [width, setWidth] = useState(Infinity);
  useEffect(() => {
    if (!element || typeof ResizeObserver === "undefined") return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry && entry.contentRect.width > 0) setWidth(entry.contentRect.width);
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [element]);
  return width;
}
